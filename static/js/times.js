// Keeps the words of <time data-ago> and <time data-for> true, as the server says them, and
// gives every time the viewer's own clock: exact in its title, of the day for data-clock.
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const ofDay = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
// A viewer's clock that is wrong makes no span wrong.
const ahead = Date.now() - Date.parse(document.documentElement.dataset.now);
const DAY = 86400;
const UNITS = [
  ["second", 1, 60], ["minute", 60, 3570], ["hour", 3600, 84600],
  ["day", DAY, 16 * DAY], ["month", 30.5 * DAY, 350 * DAY], ["year", 365 * DAY, Infinity],
];

function spell(seconds) {
  const [unit, size] = UNITS.find(([, , below]) => seconds < below);
  const number = size === DAY ? Math.max(1, Math.floor(seconds / DAY)) : Math.round(seconds / size);
  return number > 1 ? `${number} ${unit}s` : unit === "hour" ? "an hour" : `a ${unit}`;
}

function words({ dataset, dateTime }) {
  const moment = Date.parse(dateTime);
  if ("clock" in dataset) return ofDay.format(moment);
  const seconds = Math.floor((Date.now() - ahead - moment) / 1000);
  if ("for" in dataset) return seconds < 1 ? "a moment" : spell(seconds);
  return seconds < 1 ? "just now" : `${spell(seconds)} ago`;
}

// Written only where it differs: a selection in it is kept.
function put(time) {
  const text = words(time);
  if (time.textContent !== text) time.textContent = text;
}

function all() {
  for (const time of document.querySelectorAll("time:is([data-ago], [data-for], [data-clock])")) {
    put(time);
    const title = exact.format(Date.parse(time.dateTime));
    if (time.title !== title) time.title = title;
  }
}

all();
setInterval(() => document.hidden || document.querySelectorAll("time:is([data-ago], [data-for])").forEach(put), 1000);
for (const name of ["live:parts", "htmx:afterSwap", "visibilitychange"]) document.addEventListener(name, all);
