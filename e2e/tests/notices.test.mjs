// Notices: who is told is saved, and what was told about a failing webhook is listed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, refused, signIn, startBrowser } from '../lib/browser.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let browser;
let receiver;

before(async () => {
  [server, browser, receiver] = await Promise.all([
    startServer({ KAPOK_ALLOW_CIDRS: '127.0.0.0/8' }),
    startBrowser(),
    startReceiver(),
  ]);
});

after(async () => {
  await Promise.all([browser?.close(), server?.stop(), receiver?.stop()]);
});

test('a failing webhook is told about as the settings say', async () => {
  const { page, done } = await openPage(browser, server, { expected: refused });
  await signIn(page);
  await page.goto('/console/settings?tab=notices');
  await page.getByText('Nothing had to be told yet').waitFor();
  await page.getByText('This server has no mail server to send with.').waitFor();
  const writeTo = page.getByRole('combobox', { name: 'Write to' });
  await page.getByLabel('Failures in a row').fill('1');
  await writeTo.fill('nobody');
  await writeTo.press('Enter');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('"nobody" is no mail address').waitFor();
  await writeTo.press('Backspace');
  await writeTo.fill('ops@example.com');
  await writeTo.press('Enter');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Notices are saved').waitFor();
  receiver.answer(400);
  const { delivery } = await server.api('GET', '/app/api/v1/delivery');
  assert.deepEqual(delivery.notices, { failures: 1, mailTo: ['ops@example.com'] });

  await server.api('POST', '/app/api/v1/webhooks', {
    name: 'Tell the directory',
    type: 'User',
    event: 'Created',
    url: receiver.url,
  });
  await server.api('POST', '/app/api/v1/users', { username: 'ida', enabled: true });
  const row = page.getByRole('row').filter({ hasText: 'Tell the directory' });
  await row.getByText('Failing').waitFor();
  await row.getByText('1 deliveries failed in a row').waitFor();
  await row.getByRole('link', { name: 'Job' }).click();
  await page.locator('.kp-head').getByText('Failed', { exact: true }).waitFor();
  await done();
});
