// Follows the page's event stream; htmx swaps the sent parts into the page. A hidden tab closes its
// stream and polls every 30 seconds: a browser's tabs share six connections to a host.
{
  const POLL = 5_000, POLL_HIDDEN = 30_000, SILENCE = 25_000;
  let source, followed, polling, heardAt = Date.now();

  const page = () => document.querySelector("[data-stream]");

  // The address names each box's position, so that no line is missed or sent twice.
  function address(once) {
    const url = new URL(page().dataset.stream, location);
    for (const box of document.querySelectorAll("[data-position]")) url.searchParams.set(box.id, box.dataset.position);
    if (once) url.searchParams.set("once", "yes");
    return url;
  }

  async function show(html) {
    heard();
    const focused = document.activeElement;
    await htmx.swap({ sourceElement: page(), text: html, swap: "none" });
    // If the focused element was removed, the keyboard continues at the start of the content.
    if (!focused.isConnected) document.getElementById("content").focus({ preventScroll: true });
  }

  // The last received HTML of each part, by id. After a lost connection, unchanged parts are sent
  // again. They must not undo the reader's actions: a revealed token stays until its part changes.
  const received = new Map();
  function isNew({ target, fragment, swapSpec }) {
    if (swapSpec.style !== "outerMorph") return true;
    const part = fragment.firstElementChild, html = part.outerHTML;
    if (!target || received.get(part.id) === html) return false;
    for (const inner of part.querySelectorAll("[id]")) received.delete(inner.id);
    for (let outer = target.parentElement; outer; outer = outer.parentElement) received.delete(outer.id);
    received.set(part.id, html);
    return true;
  }
  document.addEventListener("htmx:before:swap", ({ detail: { ctx, tasks } }) => {
    if (!ctx.request) tasks.splice(0, tasks.length, ...tasks.filter(isNew));
  });
  // Updates neither open nor close details: that is the reader's choice.
  htmx.registerExtension("keep-open", { htmx_before_morph_attr: (_, { attrName }) => attrName !== "open" });

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
    if (document.hidden) return void (polling = setInterval(poll, POLL_HIDDEN));
    source = new EventSource(address());
    source.onopen = heard;
    // Ignore events while the page is switching to another list or log, and so to another stream.
    source.onmessage = ({ data }) => { if (page()?.dataset.stream === followed) show(data); };
    source.addEventListener("still", heard);
    source.addEventListener("gone", () => location.reload());
    source.onerror = () => {
      lose();
      // The browser reconnects by itself, unless the server refused.
      if (source.readyState === EventSource.CLOSED) pollInstead();
    };
  }

  function close() {
    source?.close();
    source = undefined;
    clearInterval(polling);
  }

  function pollInstead() {
    close();
    poll();
    let polls = 0;
    polling = setInterval(() => (++polls % 12 ? poll() : open()), POLL);
  }

  async function poll() {
    try {
      const answer = await fetch(address(true), { headers: { "HX-Request": "true" } });
      if (answer.headers.has("HX-Redirect")) location.href = answer.headers.get("HX-Redirect");
      else if (answer.status === 404) location.reload();
      else if (answer.ok) await show(await answer.text());
      else lose();
    } catch {
      lose();
    }
  }

  document.addEventListener("visibilitychange", open);
  window.addEventListener("pageshow", open);
  window.addEventListener("pagehide", close);
  document.addEventListener("htmx:after:swap", () => { if (page()?.dataset.stream !== followed) open(); });
  // Without a stream, poll after each action, so that its effect shows at once.
  document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
    if (ctx.request.method === "POST" && !source && page()) poll();
  });
  setInterval(() => { if (source && Date.now() - heardAt > SILENCE) { lose(); open(); } }, 5_000);
}
