// Boxes of lines. While the reader is at the end of a box, it scrolls along; otherwise it keeps its
// position. A box holds at most as many lines as a browser handles well. A log can be searched.
const MOST = 5000;
// Lines to remove at once, because each removal lays out all remaining lines again.
const SPARE = 500;
const clock = new Intl.DateTimeFormat([], { timeStyle: "medium", hourCycle: "h23" });
// The scroll position of each box, and the number of lines added after the reader left its end.
const places = new WeakMap(), away = new WeakMap();

const localize = (root) => {
  if (root.closest(".operation")) return; // An operation's times are counted from its start.
  for (const time of root.querySelectorAll("time")) time.textContent = clock.format(Date.parse(time.dateTime));
};

const follow = (box) => {
  if (!away.has(box)) box.scrollTop = box.scrollHeight;
  places.set(box, box.scrollTop);
  const button = box.parentElement.querySelector("[data-newer]"), came = away.get(box);
  if (!button) return;
  button.hidden = !came;
  button.textContent = `${came} new ${came === 1 ? "line" : "lines"} ↓`;
};

const begin = () => {
  for (const box of document.querySelectorAll(".lines")) {
    localize(box);
    follow(box);
  }
  find();
};

document.addEventListener("scroll", ({ target: box }) => {
  if (!box.matches?.(".lines")) return;
  if (box.scrollHeight - box.scrollTop - box.clientHeight < 8) away.delete(box);
  else if (box.scrollTop < places.get(box) && !away.has(box)) away.set(box, 0);
  if (!away.get(box)) follow(box);
  places.set(box, box.scrollTop);
}, true);

// The stream's lines are appended with hx-swap="lines", our own swap style. With its own styles,
// htmx would search each line for htmx attributes.
htmx.registerExtension("lines", {
  handle_swap(style, box, { firstElementChild: lines }) {
    if (style !== "lines") return false;
    box.dataset.position = lines.dataset.position;
    append(box, [...lines.children]);
    return [];
  },
});

function append(box, added) {
  box.append(...added);
  added.forEach(localize);
  let over = box.childElementCount - MOST;
  if (over > 0) over += SPARE;
  if (away.has(box)) {
    away.set(box, away.get(box) + added.length);
    // The line at the top of the box is being read: it keeps its position and is not removed.
    const { left, top } = box.getBoundingClientRect();
    const read = document.elementFromPoint(left + 20, top + 20)?.closest(".lines > *") ?? box.firstElementChild;
    const before = read.getBoundingClientRect().top;
    for (; over > 0 && box.firstElementChild !== read; over--) box.firstElementChild.remove();
    box.scrollTop += read.getBoundingClientRect().top - before;
    for (; over > SPARE; over--) box.lastElementChild.remove();
  } else while (over-- > 0) box.firstElementChild.remove();
  follow(box);
  if (field()?.value) find(added);
}

// The browser's Highlight API marks matches without changing the DOM.
const field = () => document.getElementById("log-find");
// Only the latest matches are marked: thousands of marks in changing lines freeze a browser.
const MARKED = 500;
let found = [], at = -1, showing;

const rangesIn = (line, sought) => {
  const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT), nodes = [];
  while (walker.nextNode()) if (walker.currentNode.parentElement.localName !== "time") nodes.push(walker.currentNode);
  const text = nodes.map((node) => node.data).join("").toLowerCase();
  const place = (offset) => {
    for (const node of nodes) {
      if (offset <= node.length) return [node, offset];
      offset -= node.length;
    }
    return [line, 0];
  };
  const ranges = [];
  for (let start = 0; ranges.length < MARKED && (start = text.indexOf(sought, start)) >= 0; start += sought.length) {
    const [startContainer, startOffset] = place(start), [endContainer, endOffset] = place(start + sought.length);
    ranges.push(new StaticRange({ startContainer, startOffset, endContainer, endOffset }));
  }
  return ranges;
};

// Searches the given lines, or all lines of the log, from the end.
function find(lines) {
  const sought = field()?.value.toLowerCase(), current = lines && found[at];
  const kept = lines ? found.filter(({ startContainer }) => startContainer.isConnected) : [];
  const looked = sought ? [...(lines ?? document.getElementById("log-lines").children)].filter((line) => line.isConnected) : [];
  const fresh = [];
  let number = 0;
  for (let line; number < MARKED && (line = looked.pop()); number += fresh[0].length) fresh.unshift(rangesIn(line, sought));
  found = [...kept, ...fresh.flat()].slice(-MARKED);
  at = found.indexOf(current);
  if (!lines) show();
  else showing ??= setTimeout(show, 250);
}

function show() {
  showing = clearTimeout(showing);
  const all = `${found.length}${found.length < MARKED ? "" : "+"}`;
  if (field()) document.getElementById("log-found").value = field().value && (at < 0 ? `${all} found` : `${at + 1} of ${all}`);
  if (!window.Highlight) return;
  CSS.highlights.set("found", new Highlight(...found));
  CSS.highlights.set("current", new Highlight(...found.slice(at, at + 1)));
}

const step = (by) => {
  if (!found.length) return;
  at = at < 0 && by < 0 ? found.length - 1 : (at + by + found.length) % found.length;
  found[at].startContainer.parentElement.closest(".lines > *").scrollIntoView({ block: "center" });
  show();
};

document.addEventListener("input", ({ target }) => { if (target === field()) find(); });
document.addEventListener("keydown", ({ target, key, shiftKey }) => { if (target === field() && key === "Enter") step(shiftKey ? -1 : 1); });
document.addEventListener("change", ({ target }) => { if (target.matches("[data-kept]")) localStorage[target.id] = target.checked; });
document.addEventListener("click", ({ target }) => {
  const { find: by, newer, whole } = target.dataset;
  if (by) step(+by);
  if (whole) document.fullscreenElement ? document.exitFullscreen() : target.closest("section").requestFullscreen();
  if (!newer) return;
  const box = target.previousElementSibling;
  // The full box has dropped lines at its end: load the page again.
  if (box.childElementCount === MOST) return location.reload();
  away.delete(box);
  follow(box);
  box.focus();
});

for (const toggle of document.querySelectorAll("[data-kept]")) toggle.checked = localStorage[toggle.id] !== "false";
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => { if (ctx.request) begin(); });
begin();
