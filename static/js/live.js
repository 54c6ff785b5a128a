// Follows the page's event stream: puts what changed in its place, and says when it is cut off.
// A hidden tab gives its stream back (a browser has six for all its tabs) and asks now and then.
{
  const ASK_HIDDEN = 30_000, ASK_WITHOUT = 5_000, SILENT = 25_000;
  let source, followed, asking, heardAt = Date.now();
  // What was put last, by id: what comes again, as after a lost connection, is left alone.
  const put = new Map();

  const page = () => document.querySelector("[data-stream]");

  function address(once) {
    const url = new URL(page().dataset.stream, location);
    for (const box of document.querySelectorAll("[data-position]")) url.searchParams.set(box.id, box.dataset.position);
    if (once) url.searchParams.set("once", "yes");
    return url;
  }

  // Takes in HTML: elements that replace those of the same id, lines for a box, words to tell.
  // Each stands in a template of its own, since a row of a table is read only by itself.
  function take(html) {
    heard();
    const all = document.createElement("template");
    all.innerHTML = html;
    for (const element of [...all.content.children].flatMap(({ content }) => [...content.children])) {
      if (element.dataset.told) document.dispatchEvent(new CustomEvent("told", { detail: { value: element.dataset.told } }));
      else if (element.dataset.lines) append(element);
      else replace(element);
    }
    document.dispatchEvent(new CustomEvent("live:parts"));
  }

  function replace(part) {
    const there = document.getElementById(part.id), html = part.outerHTML;
    if (!there || put.get(part.id) === html) return;
    for (const inner of part.querySelectorAll("[id]")) put.delete(inner.id);
    for (let outer = there.parentElement; outer; outer = outer.parentElement) put.delete(outer.id);
    put.set(part.id, html);
    if (part.id === "title") document.title = part.textContent;
    else if (part.id === "icon") there.href = part.getAttribute("href");
    else {
      const focused = document.activeElement;
      Idiomorph.morph(there, part, { morphStyle: "outerHTML" });
      // The keyboard goes on from the content where what it was at is gone.
      if (!focused.isConnected) document.getElementById("content").focus({ preventScroll: true });
      htmx.process(document.getElementById(part.id));
    }
  }

  function append(lines) {
    const box = document.getElementById(lines.dataset.lines);
    // A page that has been asked for another choice has another stream in a moment.
    if (!box || page().dataset.stream !== followed) return;
    const added = [...lines.children];
    box.append(...added);
    box.dataset.position = lines.dataset.position;
    box.dispatchEvent(new CustomEvent("live:lines", { bubbles: true, detail: { added } }));
  }

  function heard() {
    heardAt = Date.now();
    document.getElementById("lost").hidden = true;
  }

  function lose() {
    const lost = document.getElementById("lost");
    if (!lost.hidden) return;
    lost.querySelector("time").textContent = new Date(heardAt).toLocaleTimeString();
    lost.hidden = false;
  }

  function open() {
    close();
    if (!page()) return;
    followed = page().dataset.stream;
    if (document.hidden) return void (asking = setInterval(ask, ASK_HIDDEN));
    source = new EventSource(address());
    source.onopen = heard;
    source.onmessage = ({ data }) => take(data);
    source.addEventListener("still", heard);
    source.addEventListener("gone", () => location.reload());
    source.onerror = () => {
      lose();
      // The browser comes back by itself, unless the answer was a refusal.
      if (source.readyState === EventSource.CLOSED) withoutStream();
    };
  }

  function close() {
    source?.close();
    source = undefined;
    clearInterval(asking);
  }

  function withoutStream() {
    close();
    ask();
    let asked = 0;
    asking = setInterval(() => (++asked % 12 ? ask() : open()), ASK_WITHOUT);
  }

  async function ask() {
    try {
      const answer = await fetch(address(true), { headers: { "HX-Request": "true" } });
      if (answer.headers.has("HX-Redirect")) location.href = answer.headers.get("HX-Redirect");
      else if (answer.status === 404) location.reload();
      else if (answer.ok) take(await answer.text());
      else lose();
    } catch {
      lose();
    }
  }

  // What a person has opened or is typing stays; a focused button changes all the same.
  Object.defineProperty(Idiomorph.defaults, "ignoreActiveValue", {
    enumerable: true, get: () => Boolean(document.activeElement?.matches("input, textarea, select")),
  });
  // Lines come by themselves: a box of them that a part holds stays as it is.
  Idiomorph.defaults.callbacks.beforeNodeMorphed = (there, comes) => !(there.dataset?.position && there.id === comes.id);
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name) => name !== "open";

  document.addEventListener("visibilitychange", open);
  window.addEventListener("pageshow", open);
  window.addEventListener("pagehide", close);
  // Another search, another list: another stream.
  document.addEventListener("htmx:afterSettle", () => { if (page()?.dataset.stream !== followed) open(); });
  // A deed shows at once, also where there is no stream.
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (detail.requestConfig.verb === "post" && !source && page()) ask();
  });
  setInterval(() => { if (source && Date.now() - heardAt > SILENT) { lose(); open(); } }, 5_000);
}
