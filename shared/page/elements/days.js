// Days of the browser's time zone. The API filters by days in UTC, so a request asks for every UTC day that overlaps, and
// the page leaves out the recordings of other local days.

// The local day, some days ago.
export function dayOf(daysAgo) {
  const at = new Date();
  at.setDate(at.getDate() - daysAgo);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
}

const startOf = (day) => new Date(`${day}T00:00`);
function endOf(day) {
  const end = startOf(day);
  end.setDate(end.getDate() + 1); // not 24 hours on a day when clocks change
  return end;
}
const isDay = (day) => /^\d{4}-\d\d-\d\d$/.test(day) && !Number.isNaN(startOf(day).getTime());
const utcDay = (date) => date.toISOString().slice(0, 10);

// Days in another order, or that aren't days, are sent as they are: the app says what is wrong with them.
export function utcDays({ from, to }) {
  if ((from && !isDay(from)) || (to && !isDay(to)) || (from && to && from > to)) return { from, to };
  return {
    from: from ? utcDay(startOf(from)) : "",
    to: to ? utcDay(new Date(endOf(to).getTime() - 1)) : "",
  };
}

export function isWithin(iso, { from, to }) {
  const at = Date.parse(iso);
  return (!from || !isDay(from) || at >= startOf(from).getTime()) && (!to || !isDay(to) || at < endOf(to).getTime());
}

