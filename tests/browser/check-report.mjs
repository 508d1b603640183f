// Opens a report at desktop, tablet and phone width, light and dark, and fails on anything a reader would stumble
// over: console errors, network requests, a page that scrolls sideways, labels that overlap or are cut, faint text,
// slow loading.
//
//   node check-report.mjs REPORT.html [--screenshots DIR] [--picture FILE.png] [--max-load-ms 1000]
//
// --screenshots takes pictures of the whole page; --picture the first screen alone, light, as README.md shows it.
//
// CHROMIUM names the browser; without it the usual places are tried.

import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";

const SIZES = [
  { name: "wide", width: 1440, height: 900 },
  { name: "tablet", width: 820, height: 1100 },
  { name: "phone", width: 390, height: 844 },
];
const SCHEMES = ["light", "dark"];
const PICTURE = { width: 1440, height: 1100 };
const BROWSERS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    screenshots: { type: "string" },
    picture: { type: "string" },
    "max-load-ms": { type: "string", default: "1000" },
  },
});

const [report] = positionals;
const executablePath = process.env.CHROMIUM ?? BROWSERS.find((path) => existsSync(path));
if (!report || !existsSync(report)) {
  console.error(`error: no report at \`${report ?? ""}\`; usage: node check-report.mjs REPORT.html`);
  process.exit(2);
}
if (!executablePath) {
  console.error(`error: no browser among ${BROWSERS.join(", ")}; install chromium or set CHROMIUM`);
  process.exit(2);
}
if (options.screenshots) mkdirSync(options.screenshots, { recursive: true });

// Runs in the page: every complaint about its layout, as texts. Only on a phone may tables scroll.
function layoutProblems(mayTablesScroll) {
  const problems = [];
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) problems.push(`the page is ${scrollWidth} px wide in a window of ${clientWidth} px`);

  for (const box of mayTablesScroll ? [] : document.querySelectorAll(".scroll")) {
    if (box.scrollWidth > box.clientWidth + 1) {
      problems.push(`table "${box.getAttribute("aria-label")}" is ${box.scrollWidth} px wide in a box of ${box.clientWidth} px`);
    }
  }

  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
  for (const svg of document.querySelectorAll("svg")) {
    const frame = svg.getBoundingClientRect();
    const labels = [...svg.querySelectorAll("text")]
      .map((node) => ({ text: node.textContent, box: node.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0);
    const name = svg.getAttribute("aria-label") ?? svg.getAttribute("class");
    labels.forEach(({ text, box }, i) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1) problems.push(`label "${text}" is cut off in "${name}"`);
      for (const other of labels.slice(i + 1)) {
        if (overlap(box, other.box)) problems.push(`labels "${text}" and "${other.text}" overlap in "${name}"`);
      }
    });
  }

  // Text that leaves its box lies over its neighbour; boxes that scroll or cut on purpose are left out.
  for (const node of document.querySelectorAll("h1, h2, h3, p, li, dt, dd, th, td, summary, figcaption")) {
    const style = getComputedStyle(node);
    if (node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 0 && style.overflowX === "visible" && style.display !== "inline") {
      problems.push(`<${node.localName}> "${node.textContent.trim().slice(0, 40)}" is wider than its box`);
    }
  }

  // WCAG 2.2, 1.4.3: text against the first background that is not transparent, 4.5 to 1.
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const background = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const rgba = parts(getComputedStyle(at).backgroundColor);
      if (rgba.length === 3 || rgba[3] === 1) return rgba.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const seen = new Set();
  for (const node of document.querySelectorAll("body *")) {
    const hasText = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
    if (!hasText || node.getClientRects().length === 0) continue;
    const style = getComputedStyle(node);
    const ink = parts(node.ownerSVGElement ? style.fill : style.color).slice(0, 3);
    const paper = background(node);
    const [low, high] = [luminance(ink), luminance(paper)].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    const key = `${ink} on ${paper}`;
    if (ratio < 4.5 && !seen.has(key)) {
      seen.add(key);
      problems.push(`contrast ${ratio.toFixed(2)} of "${node.textContent.trim().slice(0, 30)}" (${key})`);
    }
  }
  return problems;
}

async function check(browser, size, scheme) {
  const context = await browser.newContext({
    viewport: { width: size.width, height: size.height },
    colorScheme: scheme,
    deviceScaleFactor: size.name === "phone" ? 2 : 1,
  });
  const page = await context.newPage();
  const problems = [];
  const url = pathToFileURL(resolve(report)).href;
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => problems.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const address = request.url().split("#")[0];
    if (address !== url && !address.startsWith("data:")) problems.push(`request: ${request.url()}`);
  });
  // The fastest of five: what else the machine does at the moment is not the page's fault.
  let loaded = Infinity;
  for (let i = 0; i < 5 && loaded > Number(options["max-load-ms"]); i += 1) {
    await page.goto(url, { waitUntil: "load" });
    const duration = await page.evaluate(() => performance.getEntriesByType("navigation")[0].duration);
    loaded = Math.min(loaded, duration);
  }
  if (loaded > Number(options["max-load-ms"])) problems.push(`loading took ${loaded.toFixed(0)} ms`);
  // Sections that are not laid out before they are seen are looked at as well.
  await page.addStyleTag({ content: "section { content-visibility: visible !important; }" });
  problems.push(...(await page.evaluate(layoutProblems, size.name === "phone")));
  if (options.screenshots) {
    await page.screenshot({ path: join(options.screenshots, `report-${size.name}-${scheme}.png`), fullPage: true });
  }
  await context.close();
  return { loaded, problems };
}

async function takePicture(browser, path) {
  const page = await browser.newPage({ viewport: PICTURE, colorScheme: "light" });
  await page.goto(pathToFileURL(resolve(report)).href, { waitUntil: "load" });
  await page.screenshot({ path });
  await page.close();
}

// Nothing but the report may be fetched, by the browser's own services neither.
const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"],
});
let failed = false;
try {
  for (const size of SIZES) {
    for (const scheme of SCHEMES) {
      const { loaded, problems } = await check(browser, size, scheme);
      const state = problems.length === 0 ? "ok" : `${problems.length} problems`;
      console.log(`${size.width} px ${scheme}: ${state}, loaded in ${loaded.toFixed(0)} ms`);
      for (const problem of problems.slice(0, 20)) console.log(`  ${problem}`);
      if (problems.length > 20) console.log(`  and ${problems.length - 20} more`);
      failed ||= problems.length > 0;
    }
  }
  if (options.picture) await takePicture(browser, options.picture);
} finally {
  await browser.close();
}
process.exit(failed ? 1 : 0);
