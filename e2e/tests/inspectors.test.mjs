// The request inspector and signing keys: a webhook is pointed at one and its request is looked at.
import { after, before, test } from 'node:test';
import { openPage, signIn, startBrowser } from '../lib/browser.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
});

after(async () => {
  await Promise.all([browser?.close(), server?.stop()]);
});

test('a test event arrives at an inspector, signed, and the answer can be changed', async () => {
  await server.api('POST', '/app/api/v1/signing-keys', { kind: 'v1' });
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.goto('/console/inspectors');
  await page.getByRole('button', { name: 'New inspector' }).first().click();
  await page.getByLabel('Name').fill('Order service');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByRole('heading', { name: 'Order service' }).waitFor();
  await page.getByText('Waiting for the first request').waitFor();
  const inspector = page.url();

  // A webhook is made for its address, and a test is sent.
  await page.getByRole('link', { name: 'point a new webhook at it' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Tell orders');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.getByRole('link', { name: 'Tell orders' }).click();
  await page.getByRole('button', { name: 'Send test event' }).click();
  await page.locator('.kp-head').getByText('Complete', { exact: true }).waitFor();

  // It arrived, its signature holds, and it leads back to its job.
  await page.goto(inspector);
  const request = page.getByRole('region', { name: 'Request', exact: true });
  await request.getByText('Holds', { exact: true }).waitFor();
  await request.getByRole('link', { name: 'The job that sent it' }).waitFor();

  // Rehearsing a failure.
  await page.getByRole('button', { name: 'Answer with 200' }).click();
  await page.getByRole('button', { name: 'Busy' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Answer with 503' }).waitFor();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('button', { name: 'Delete Order service' }).click();
  await page.getByRole('heading', { name: 'Inspectors' }).waitFor();
  await done();
});

test('a signing key is shown once, then retired and revoked', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.goto('/console/settings?tab=keys');
  await page.getByRole('button', { name: 'New key' }).click();
  await page.getByRole('menuitem', { name: /Shared secret/ }).click();
  await page
    .getByLabel('Secret', { exact: true })
    .getByText(/^whsec_/)
    .waitFor();
  await page.getByRole('button', { name: 'I have kept it' }).click();
  await page.getByText(/^whsec_/).waitFor({ state: 'detached' });
  const rows = page.getByRole('table', { name: 'Signing keys' }).locator('tbody tr');
  const row = rows.last();
  await row.getByRole('button', { name: 'Retire' }).click();
  await row.getByText('Retiring').waitFor();
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('button', { name: 'Revoke the key' }).click();
  await row.getByText('Revoked').waitFor();
  await done();
});
