// Runs within Chromium, with JOB from check_site.py: loads pages in a frame and says what is wrong.
// A page is loaded once and then shown at each width in each theme.
const frame = document.createElement("iframe");
frame.height = 900;
document.body.append(frame);

const load = (url) =>
  new Promise((resolve) => {
    frame.onload = () => setTimeout(resolve, 50);
    frame.src = url;
  });

// The innermost elements that reach beyond the page, and are not within something that scrolls by itself.
function beyond(doc, width) {
  const scrolls = (e) =>
    e && e !== doc.body && (getComputedStyle(e).overflowX !== "visible" || scrolls(e.parentElement));
  return [...doc.body.querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > width + 1 && !scrolls(e.parentElement))
    .slice(-2)
    .map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`);
}

function look(width) {
  const doc = frame.contentDocument;
  const wrong = [];
  if (doc.documentElement.scrollWidth > width) wrong.push(`wide: ${beyond(doc, width)}`);
  const cut = [...doc.querySelectorAll(".bd-article table")].filter(
    (t) => t.parentElement.scrollWidth > t.parentElement.clientWidth + 1,
  );
  const hidden = [...doc.querySelectorAll(".bd-main p, .bd-main h1, .bd-main h2")].filter(
    (e) => !e.closest("table") && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display === "block",
  );
  const outside = [...doc.querySelectorAll(".prev-next-area p")].filter(
    (e) => e.getBoundingClientRect().right > width,
  );
  for (const e of [...cut, ...hidden, ...outside])
    wrong.push(`cut: ${e.tagName} ${e.textContent.trim().replace(/\s+/g, " ").slice(0, 50)}`);
  if (doc.querySelector(".katex-error")) wrong.push(`formula: ${doc.querySelector(".katex-error").title}`);
  const math = [...doc.querySelectorAll(".math")].filter((e) => !e.querySelector(".katex"));
  if (math.length) wrong.push(`formula left as text: ${math[0].textContent.slice(0, 40)}`);
  const asked = frame.contentWindow.performance.getEntriesByType("resource").map((r) => r.name);
  const others = asked.filter((name) => !name.startsWith(location.origin) && !name.startsWith("data:"));
  if (others.length) wrong.push(`asks ${others}`);
  return wrong.join("; ");
}

async function views() {
  const found = [];
  frame.style.border = "0";
  for (const page of JOB.pages) {
    frame.width = JOB.widths[0];
    await load(page);
    for (const theme of JOB.themes) {
      frame.contentDocument.documentElement.dataset.theme = theme;
      for (const width of JOB.widths) {
        frame.width = width;
        found.push({ page, width, theme, wrong: look(frame.contentDocument.documentElement.clientWidth) });
      }
    }
  }
  return found;
}

async function searches() {
  const found = [];
  for (const query of JOB.queries) {
    await load(`search.html?q=${encodeURIComponent(query)}`);
    for (let k = 0; k < 60 && !frame.contentDocument.querySelector("ul.search li a"); k++)
      await new Promise((resolve) => setTimeout(resolve, 250));
    const links = [...frame.contentDocument.querySelectorAll("ul.search > li > a")];
    found.push({ query, pages: links.map((a) => a.getAttribute("href").split("?")[0]) });
  }
  return found;
}

(JOB.pages ? views() : searches()).then((found) => {
  const pre = document.createElement("pre");
  pre.textContent = JSON.stringify(found);
  document.body.replaceChildren(pre);
});
