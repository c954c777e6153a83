// What a page does beyond HTML: it counts characters as the server does, tells times, and shows tweets as they come.
const byId = (id) => document.getElementById(id);
const make = (name, values) => Object.assign(document.createElement(name), values);

// The form: characters in normal form C, and bytes before it.
const text = byId("text");
if (text?.form) {
  const count = byId("count"), bytes = new TextEncoder();
  const { characters, bytes: mostBytes } = text.dataset;
  const look = () => {
    const typed = text.value, used = [...typed.normalize("NFC")].length;
    const isLong = used > characters, isHeavy = bytes.encode(typed).length > mostBytes;
    count.value = `${used} of ${characters}`;
    count.classList.toggle("over", isLong || isHeavy);
    text.setCustomValidity(isLong ? `${used} characters: use at most ${characters}` : isHeavy ? "Too many bytes: shorten it" : "");
  };
  text.addEventListener("input", look);
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) text.form.requestSubmit();
  });
  look();
}

// Times and days where the reader is.
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });

function tell(time) {
  const at = new Date(time.dateTime), minutes = (Date.now() - at) / 60000;
  const said = minutes < 1 ? "now" : minutes < 60 ? `${minutes | 0} min` : clock.format(at);
  if (time.textContent !== said) time.textContent = said;
  time.title ||= at.toLocaleString();
}

function nameOf(day) {
  const today = new Date(), yesterday = new Date();
  yesterday.setDate(today.getDate() - 1);
  const year = day.getFullYear() === today.getFullYear() ? undefined : "numeric";
  return { [today.toDateString()]: "Today", [yesterday.toDateString()]: "Yesterday" }[day.toDateString()]
    ?? day.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year });
}

const list = byId("timeline");

function separate() {
  if (!list || list.matches(".single")) return;
  let last = "";
  for (const one of [...list.children]) {
    const time = one.querySelector("time");
    if (!time) { one.remove(); continue; }
    const at = new Date(time.dateTime), day = at.toDateString();
    if (day !== last) {
      const heading = make("h2", { textContent: nameOf(at) });
      one.before(make("li", { className: "day" }));
      one.previousSibling.append(heading);
    }
    last = day;
  }
}

function tellAll() {
  document.querySelectorAll("time").forEach(tell);
  separate();
}
tellAll();
setInterval(() => document.hidden || tellAll(), 30000);

// Live tweets. What is being read never moves: new tweets wait behind a button.
const MOST_SHOWN = 300;

function live(stream) {
  const status = make("span", { role: "status" });
  const pause = make("button", { type: "button", className: "quiet", textContent: "Pause" });
  const news = make("button", { type: "button", id: "news", hidden: true });
  const said = make("p", { role: "status", className: "hidden" });
  byId("state").append(status, pause);
  list.before(news, said);
  let source, waiting = [], unseen = 0, due = 0, paused = false, url = stream;
  const isReading = () => paused || scrollY > 200 || list.contains(document.activeElement);

  function show() {
    for (const one of waiting) {
      list.prepend(one);
      one.classList.add("fresh");
      setTimeout(() => one.classList.remove("fresh"), 4000);
    }
    waiting = [];
    unseen = 0;
    news.hidden = true;
    byId("empty")?.remove();
    while (list.children.length > MOST_SHOWN) list.lastChild.remove();
    separate();
  }

  function take(html) {
    const one = make("template", { innerHTML: html }).content.firstElementChild;
    if (byId(one.id) || waiting.some((other) => other.id === one.id)) return;
    tell(one.querySelector("time"));
    unseen += 1;
    if (waiting.push(one) > MOST_SHOWN) waiting.shift();
    // Once for all that come within a frame.
    due ||= requestAnimationFrame(settle);
  }

  function settle() {
    due = 0;
    if (!unseen) return;
    news.textContent = said.textContent = `${unseen} new tweet${unseen > 1 ? "s" : ""}`;
    if (isReading()) news.hidden = false;
    else show();
  }

  function drop(id) {
    const left = waiting.filter((one) => one.id !== id);
    unseen -= waiting.length - left.length;
    waiting = left;
    if (unseen) due ||= requestAnimationFrame(settle);
    else news.hidden = true;
    byId(id)?.remove();
    separate();
  }

  function tellState(isOn, state) {
    status.className = isOn ? "on" : "";
    if (status.textContent !== state) status.textContent = state;
  }

  function open() {
    source = new EventSource(url);
    source.onopen = () => tellState(true, "Live");
    source.onerror = () => {
      const hasEnded = source.readyState === EventSource.CLOSED;
      tellState(false, hasEnded ? "Not live" : "Connecting again");
      if (hasEnded) reopen(source);
    };
    const moved = (event) => {
      if (event.lastEventId) url = stream.replace(/after=\d+/, `after=${event.lastEventId}`);
    };
    source.onmessage = (event) => { take(event.data); moved(event); };
    source.addEventListener("deleted", (event) => { drop(`t${JSON.parse(event.data).tweet}`); moved(event); });
    source.addEventListener("live", moved);
  }

  // The server refuses the stream. A token that it no longer accepts stays so; anything else may pass.
  async function reopen(closed) {
    const { status } = await fetch(url, { method: "HEAD", headers: { Accept: "text/event-stream" } }).catch(() => ({}));
    if (closed !== source) return;
    if (status === 401 || status === 403) tellState(false, "Logged out");
    else setTimeout(() => closed === source && !document.hidden && open(), 5000);
  }

  news.onclick = () => {
    show();
    scrollTo(0, 0);
  };
  pause.onclick = () => {
    paused = !paused;
    pause.textContent = paused ? "Resume" : "Pause";
    pause.setAttribute("aria-pressed", paused);
    if (!paused) show();
  };
  // A browser opens six connections to a server at most: a hidden tab leaves its own to others.
  document.addEventListener("visibilitychange", () => {
    source.close();
    if (!document.hidden) open();
  });
  tellState(false, "Connecting");
  open();
}
if (list?.dataset.live) live(list.dataset.live);
