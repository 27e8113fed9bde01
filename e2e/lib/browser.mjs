// A browser and pages that fail their test when anything goes wrong inside them.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { ADMIN } from './server.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const WAIT_MS = 15_000;

export const startBrowser = () =>
  chromium.launch({
    executablePath: process.env.KAPOK_CHROMIUM || '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
  });

/** A fresh page; `done` fails when the page reported an error and closes it. */
export async function openPage(browser, server, options = {}) {
  const { expected = () => false, ...context } = options;
  const session = await browser.newContext({
    baseURL: server.url,
    viewport: { width: 1280, height: 800 },
    ...context,
  });
  const page = await session.newPage();
  page.setDefaultTimeout(WAIT_MS);
  const errors = [];
  page.on('pageerror', (error) => errors.push(`uncaught: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' && !expected(message.text())) errors.push(message.text());
  });
  const done = async () => {
    await session.close();
    assert.deepEqual(errors, [], 'the browser reported errors');
  };
  return { page, done };
}

/** A wrong password and a first visit without a session are answered with 401, which is logged. */
export const unauthorised = (text) => /status of 401/.test(text);

/** A mistake that a test makes on purpose is answered with 400, which is logged. */
export const refused = (text) => /status of 400/.test(text);

export async function signIn(page, { username, password } = ADMIN) {
  await page.goto('/console/sign-in');
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Home' }).waitFor();
}
