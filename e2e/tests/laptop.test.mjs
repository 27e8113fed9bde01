// The main job, end to end: a request, its job, its run, the approval, the end of the run.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, signIn, startBrowser } from '../lib/browser.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test('a laptop request is approved in the browser and its run finishes', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);

  // Somebody fills in the form.
  await page.getByRole('link', { name: 'Kapps and forms' }).click();
  await page.getByRole('link', { name: 'Laptop request' }).click();
  await page.getByLabel('Requested For').fill('Ines Duarte');
  await page.getByRole('combobox', { name: 'Location' }).click();
  await page.getByRole('option', { name: 'Lisbon' }).click();
  await page.getByLabel('Workstation 16').check();
  await page.getByLabel('Dock').check();
  await page.getByLabel('Reason').fill('Renders the launch film.');
  await page.getByRole('button', { name: 'Send request' }).click();

  // What happened: the event, its job Complete with the number of a run.
  await page.getByText('Your manager has been asked').waitFor();
  const trace = page.getByRole('region', { name: 'What happened' });
  await trace.getByText('Submission · Submitted').first().waitFor();
  const job = trace.getByRole('link', { name: 'Submission Submitted', exact: true }).first();
  await job.click();
  await page.getByText('Complete', { exact: true }).first().waitFor();
  const open = page.getByRole('link', { name: /^Open run \d+$/ });
  const number = /\d+/.exec(await open.textContent())[0];
  await page.getByText(`Started run ${number}`).waitFor();

  // The request that was sent holds the values.
  await page.getByLabel('Search in request body').fill('Ines Duarte');
  await page.getByRole('region', { name: 'Request body' }).getByText('"Ines Duarte"').waitFor();

  // The run waits for the approval.
  await open.click();
  await page.getByRole('heading', { name: `Run ${number}` }).waitFor();
  await page.getByText('Waits for an answer').waitFor();
  await page.getByRole('link', { name: 'Open the approval' }).click();

  // Somebody decides.
  await page.getByLabel('Approve').check();
  await page.getByLabel('Comment').fill('Fine by me.');
  await page.getByRole('button', { name: 'Decide' }).click();
  await page.getByText('The decision is on its way').waitFor();

  // The run went the approved way and finished.
  await page.goto(`/console/runs/${number}`);
  const heading = page.locator('.kp-head');
  await heading.getByText('Complete', { exact: true }).waitFor();
  await page
    .locator('[data-node-id="system_submission_update_v1_4"][data-state="complete"]')
    .waitFor();
  const denied = page.locator('[data-node-id="system_submission_update_v1_5"]');
  assert.notEqual(await denied.getAttribute('data-state'), 'complete');
  await done();
});

test('a page that is open follows what happens without a reload', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.goto('/console/activity');
  await page.getByRole('link', { name: 'User Login' }).first().waitFor();
  await server.api('POST', '/app/api/v1/users', {
    username: 'live.test',
    displayName: 'Live Test',
    enabled: true,
  });
  await page.getByRole('button', { name: /\d+ new$/ }).click();
  await page.getByRole('link', { name: 'User Created' }).first().waitFor();
  await done();
});
