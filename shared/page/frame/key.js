// The function key that the user entered: stored for this tab only, sent only as a header, never part of a URL.

const NAME = "callvault-key";

export const key = () => sessionStorage.getItem(NAME);
export const keep = (value) => sessionStorage.setItem(NAME, value);
export const forget = () => sessionStorage.removeItem(NAME);
