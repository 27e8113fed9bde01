// How long history is kept: a policy is saved, looked at before it keeps less, and takes effect.
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
  await Promise.all([browser?.close(), server?.stop()]);
});

const policy = async () => (await server.api('GET', '/app/api/v1/retention')).retention.policy;

test('a policy is saved, and one that keeps less is asked about first', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.goto('/console/settings?tab=retention');
  const days = page.getByLabel('Keep history for, in days');
  const save = page.getByRole('button', { name: 'Save', exact: true });
  await page.getByRole('region', { name: 'What is kept' }).getByText('Last purge').waitFor();
  assert.equal(await days.inputValue(), '90');

  // Keeping more needs no question.
  await days.fill('365');
  await page.getByLabel('Keep finished runs for, in days').fill('');
  await save.click();
  await page.getByText('Retention is saved').first().waitFor();
  const longer = await policy();
  assert.deepEqual([longer.ageDays, longer.runDays, longer.payloadDays], [365, null, 30]);

  // Keeping less says what would go, and nothing happens without a yes.
  await days.fill('1');
  await save.click();
  const asked = page.getByRole('dialog', { name: 'Keep less history?' });
  await asked.getByText('Nothing would go now.').waitFor();
  await asked.getByRole('button', { name: 'Keep what there is' }).click();
  await asked.waitFor({ state: 'hidden' });
  assert.equal((await policy()).ageDays, 365);
  await save.click();
  await asked.getByRole('button', { name: 'Save and purge' }).click();
  await asked.waitFor({ state: 'hidden' });
  assert.equal((await policy()).ageDays, 1);

  // After a reload the page shows what is in force.
  await page.reload();
  await days.waitFor();
  assert.equal(await days.inputValue(), '1');
  assert.equal(await page.getByLabel('Keep finished runs for, in days').inputValue(), '');
  await done();
});
