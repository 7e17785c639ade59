// The page's script: keeps what is shown current, asks before what cannot be taken back, knows some keys.
// Everything works without it. The server renders; this only puts newer nodes in the place of older ones, and texts as text.
(() => {
  "use strict";
  const body = document.body;
  const main = document.getElementById("main");
  const find = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  body.classList.add("script");

  // -- newer nodes in the place of older ones -----------------------------------------------------------------------

  const KEPT = new Set(["open", "hidden", "checked", "selected"]); // the reader's own
  const keyOf = (node) => (node.nodeType === 1 ? node.id || node.dataset.key || "" : "");

  function sameKind(old, fresh) {
    return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
  }

  function renew(old, fresh) {
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType !== 1) {
      if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
      return;
    }
    const typed = /^(INPUT|TEXTAREA|SELECT|OPTION)$/.test(old.nodeName);
    for (const { name } of [...old.attributes]) {
      if (!fresh.hasAttribute(name) && !KEPT.has(name)) old.removeAttribute(name);
    }
    for (const { name, value } of [...fresh.attributes]) {
      if (!KEPT.has(name) && !(typed && name === "value") && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    if (!typed && !("chart" in old.dataset)) renewChildren(old, fresh);
  }

  function renewChildren(old, fresh) {
    const keyed = new Map([...old.children].filter(keyOf).map((node) => [keyOf(node), node]));
    let at = old.firstChild;
    for (const next of [...fresh.childNodes]) {
      const known = keyed.get(keyOf(next));
      if (known && known !== at && keyOf(next)) old.insertBefore(known, at);
      const here = known && keyOf(next) ? known : at;
      if (here && sameKind(here, next)) {
        at = here.nextSibling;
        renew(here, next);
      } else {
        old.insertBefore(document.importNode(next, true), here);
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  let loading = false;
  let again = false;
  async function refresh() {
    if (loading || find("dialog[open]") || "keep" in (find("#made") || { dataset: {} }).dataset) {
      again = loading;
      return;
    }
    loading = true;
    const began = performance.now();
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { "X-Live": "1" } });
      if (answer.redirected || answer.status === 401) return location.reload();
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const next = find("#main", fresh);
      const said = document.getElementById("said");
      if (said && next) next.prepend(said.cloneNode(true));
      const tails = all("[data-tail]").filter(atEnd);
      if (answer.ok && next) renew(main, next);
      for (const name of ["data-refresh", "data-events"]) {
        const value = fresh.body.getAttribute(name);
        if (value === null) body.removeAttribute(name);
      }
      tails.forEach(toEnd);
      afterwards();
    } catch {
      // the server is away; the stream of events says so
    } finally {
      loading = false;
      took = performance.now() - began;
      if (again) later();
      again = false;
    }
  }

  const atEnd = (node) => node.scrollHeight - node.scrollTop - node.clientHeight < 24;
  const toEnd = (node) => (node.scrollTop = node.scrollHeight);

  let waits = 0;
  let took = 0; // what a refresh costs; four times as long nothing is asked
  function later(after = 500) {
    if (!waits) waits = setTimeout(() => ((waits = 0), document.hidden ? (stale = true) : refresh()), Math.max(after, 4 * took));
  }
  let stale = false;
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && stale) later(0);
    stale = false;
  });

  function afterwards() {
    all("[data-filter]").forEach(filter);
    document.dispatchEvent(new Event("renewed"));
    tell();
    ticks();
  }

  // -- what happens, as it happens ----------------------------------------------------------------------------------

  const live = document.getElementById("live");
  const announce = document.getElementById("announce");

  function concerns(event) {
    const wanted = (body.dataset.events || "").split(" ");
    if (wanted[0] === "device") return encodeURIComponent(event.device || "") === body.dataset.device;
    if (wanted[0] === "campaign") return encodeURIComponent(event.campaign || "") === body.dataset.campaign;
    return (wanted[0] === "all" && event.kind !== "message") || wanted.includes(event.kind);
  }

  function take(message) {
    let event;
    try {
      event = JSON.parse(message.data);
    } catch {
      return;
    }
    if (event.kind === "progress" && event.data) moveProgress(event);
    if (!concerns(event)) return;
    if (["result", "paused", "campaign", "quarantined", "fault"].includes(event.kind)) {
      const words = event.text || [event.kind, (event.data || {}).code].filter(Boolean).join(" ");
      announce.textContent = [event.device || event.campaign, words].filter(Boolean).join(": ").slice(0, 200);
    }
    if (event.kind !== "progress") later();
  }

  function moveProgress(event) {
    const share = Math.min(1, event.data.bytes / event.data.size);
    if (!(share >= 0)) return;
    for (const bar of all("[data-progress]")) {
      if (bar.dataset.progress !== encodeURIComponent(event.device)) continue;
      bar.value = share;
      bar.nextElementSibling.textContent = Math.min(share < 1 ? 99 : 100, Math.floor(100 * share)) + " %";
    }
  }

  function say(state, text) {
    live.hidden = false;
    live.dataset.live = state;
    if (live.textContent !== text) live.textContent = text;
  }

  function listen() {
    if (!live || !body.dataset.events) return;
    const one = ["device", "campaign"].includes(body.dataset.events) && body.dataset.events;
    const stream = new EventSource("/api/events" + (one ? `?${one}=${body.dataset[one]}` : ""));
    stream.onopen = () => {
      say("on", "Live");
      later(0); // what has happened before it was open
    };
    stream.onerror = () => {
      say("off", stream.readyState === EventSource.CLOSED ? "Not live: reload" : "Server away");
    };
    stream.onmessage = take;
    addEventListener("pagehide", () => stream.close());
  }

  function poll() {
    const every = Number(body.dataset.refresh);
    if (!every) return;
    setTimeout(async () => {
      if (!document.hidden) await refresh();
      poll();
    }, every);
  }

  // -- times, filters, ticks ----------------------------------------------------------------------------------------

  const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  function tell() {
    for (const node of all("time[data-at]")) {
      const away = Date.now() / 1000 - Number(node.dataset.at);
      const [length, unit] = STEPS.find(([each]) => Math.abs(away) >= each) || [1, "s"];
      const text = Math.abs(away) < 1 ? "now" : Math.floor(Math.abs(away) / length) + " " + unit;
      const whole = text === "now" ? text : away > 0 ? text + " ago" : "in " + text;
      if (node.textContent !== whole) node.textContent = whole;
    }
  }

  function filter(input) {
    const wanted = input.value.toLowerCase().trim();
    for (const row of all(input.dataset.filter, main)) row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
  }

  function ticks() {
    const boxes = all('input[name="device"][type="checkbox"]');
    const whole = find("[data-all]");
    if (!whole) return;
    const chosen = boxes.filter((each) => each.checked).length;
    whole.hidden = false;
    whole.checked = chosen > 0 && chosen === boxes.length;
    whole.indeterminate = chosen > 0 && chosen < boxes.length;
    document.getElementById("ticked").textContent = chosen ? chosen + " ticked" : "none ticked";
    find("#bulk").classList.toggle("some", chosen > 0);
  }

  main.addEventListener("input", (event) => "filter" in event.target.dataset && filter(event.target));
  main.addEventListener("change", (event) => {
    if ("all" in event.target.dataset) all('input[name="device"]').forEach((each) => (each.checked = event.target.checked));
    if (event.target.matches(".filter select")) event.target.form.requestSubmit();
    ticks();
  });

  // -- are you sure -------------------------------------------------------------------------------------------------

  const ask = document.getElementById("ask");
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    const question = (button && button.dataset.confirm) || form.dataset.confirm;
    if (!question || form.dataset.sure) return;
    event.preventDefault();
    document.getElementById("ask-text").textContent = question;
    document.getElementById("ask-yes").textContent = button ? button.textContent.trim() : "Yes";
    ask.returnValue = "";
    ask.onclose = () => ask.returnValue === "yes" && goOn(form, button);
    ask.showModal();
  });

  function goOn(form, button) {
    const sure = document.createElement("input");
    Object.assign(sure, { type: "hidden", name: "sure", value: "1" });
    form.append(sure);
    form.dataset.sure = "1";
    form.requestSubmit(button);
  }

  // -- keys ---------------------------------------------------------------------------------------------------------

  const help = document.getElementById("help");
  let went = 0;
  const rows = () => all("tbody tr, .message, article.line, .events li", main).filter((each) => !each.hidden);

  function step(by) {
    const list = rows();
    const now = list.findIndex((each) => each.contains(document.activeElement));
    const next = list[Math.min(list.length - 1, Math.max(0, now + by))];
    const target = next && (find("a[href]", next) || find("input, button, [tabindex]", next));
    if (target) target.focus();
  }

  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.nodeName) && !/^(checkbox|radio)$/.test(event.target.type);
    if (event.ctrlKey || event.metaKey || event.altKey || typing || find("dialog[open]")) return;
    const search = find("[data-search]");
    const where = Date.now() - went < 1500 && find(`[data-key-go="${CSS.escape(event.key)}"]`);
    went = event.key === "g" ? Date.now() : 0;
    if (where) where.click();
    else if (event.key === "/" && search) search.focus();
    else if (event.key === "?") help.showModal();
    else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
    else return;
    event.preventDefault();
  });

  const opener = document.getElementById("help-open");
  if (opener) {
    opener.hidden = false;
    opener.addEventListener("click", () => help.showModal());
  }

  all("[data-tail]").forEach(toEnd);
  afterwards();
  listen();
  poll();
  setInterval(tell, 5000);
  const here = find('.side [aria-current="page"]');
  const showHere = () => here && (here.closest("nav").scrollLeft = here.offsetLeft - 16);
  addEventListener("resize", showHere);
  showHere();
})();
