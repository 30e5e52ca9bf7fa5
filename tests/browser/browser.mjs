// A browser for the tests of this folder: pages that note what goes wrong, and pictures of them.
import {mkdirSync} from "node:fs";
import {join} from "node:path";
import {chromium} from "playwright-core";

export const build = process.env.NUMERAL_BUILD;
const screenshots = join(build, "browser", "screenshots");

export const looks = {
  light: {viewport: {width: 1280, height: 900}, colorScheme: "light"},
  dark: {viewport: {width: 1280, height: 900}, colorScheme: "dark"},
  narrow: {viewport: {width: 390, height: 844}, colorScheme: "light"},
};

export function launch() {
  return chromium.launch({
    executablePath: process.env.NUMERAL_CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu"],
  });
}

// A page with `complaints`, the errors of its console and scripts, and `requests`, their addresses.
export async function openPage(browser, address, {look = "light", offline = true} = {}) {
  const context = await browser.newContext({...looks[look], offline});
  const page = await context.newPage();
  page.complaints = [];
  page.requests = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(message.text());
  });
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    page.complaints.push("dialog: " + dialog.message());
    dialog.dismiss();
  });
  page.on("request", (request) => page.requests.push(request.url()));
  await page.goto(address);
  return page;
}

export async function picture(page, name) {
  mkdirSync(screenshots, {recursive: true});
  await page.screenshot({path: join(screenshots, name + ".png"), fullPage: true});
}

// Whether the page can be moved sideways, which no page should.
export function overflows(page) {
  return page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
}
