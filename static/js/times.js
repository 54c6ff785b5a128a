// Updates the text of <time data-ago> and <time data-for> as time passes, and shows times in the
// viewer's time zone: the exact time in each title, the time of day in <time data-clock>.
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
const ofDay = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
// The page is in English, whatever the viewer's language.
const relative = new Intl.RelativeTimeFormat("en");
const UNITS = [["year", 365 * 86400], ["month", 30.5 * 86400], ["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]]
  .map(([unit, size]) => ({ unit, size, span: new Intl.NumberFormat("en", { style: "unit", unit, unitDisplay: "long" }) }));
// Elapsed times are right even if the viewer's clock is wrong.
const ahead = Date.now() - Date.parse(document.documentElement.dataset.now);

function words({ dataset, dateTime }) {
  const moment = Date.parse(dateTime);
  if ("clock" in dataset) return ofDay.format(moment);
  const seconds = Math.max(0, Math.floor((Date.now() - ahead - moment) / 1000));
  const { unit, size, span } = UNITS.find(({ size }) => seconds >= size) ?? UNITS.at(-1);
  const number = Math.floor(seconds / size);
  if ("for" in dataset) return span.format(number);
  return seconds < 1 ? "just now" : relative.format(-number, unit);
}

// Write only a changed text, so that a selection in it is kept.
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
for (const name of ["htmx:after:swap", "visibilitychange"]) document.addEventListener(name, all);
