// The function key that a person typed: kept for this tab only, sent as a header only, never part of an address.

const NAME = "callvault-key";

export const key = () => sessionStorage.getItem(NAME);
export const keep = (value) => sessionStorage.setItem(NAME, value);
export const forget = () => sessionStorage.removeItem(NAME);
