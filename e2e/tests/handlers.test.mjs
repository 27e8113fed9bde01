// Handlers of one's own: defined, tried, changed and deleted in the console.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, refused, signIn, startBrowser } from '../lib/browser.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let browser;
let receiver;

before(async () => {
  receiver = await startReceiver();
  const { host } = new URL(receiver.url);
  [server, browser] = await Promise.all([startServer({ KAPOK_ALLOW_CIDRS: host }), startBrowser()]);
  // Without the demo's, what an empty page says is there to be seen.
  await server.api('DELETE', '/app/api/v2/handlers/acme_page_send_v1');
});

after(async () => {
  await Promise.all([browser?.close(), server?.stop(), receiver?.stop()]);
});

test('a handler of one’s own is made, tried, changed and deleted', async () => {
  const { page, done } = await openPage(browser, server, { expected: refused });
  await signIn(page);
  await page.goto('/console/handlers');
  await page.getByRole('button', { name: 'New handler' }).first().click();
  await page.getByLabel('Id', { exact: true }).fill('Print');
  await page.getByLabel('URL', { exact: true }).fill(`${receiver.url}/print`);
  await page.getByLabel('Parameters').fill('text*: What it says.');
  await page.getByRole('button', { name: 'Create handler' }).click();
  await page.getByText('must be of small letters').waitFor();
  await page.getByLabel('Id', { exact: true }).fill('acme_label_print_v1');
  await page.getByLabel('Name', { exact: true }).fill('Print a label');
  await page.getByRole('button', { name: 'Create handler' }).click();
  await page
    .getByLabel('Secret', { exact: true })
    .getByText(/^whsec_/)
    .waitFor();
  await page.getByRole('button', { name: 'I have kept it' }).click();

  // It is called, signed, and what it answered is told.
  await page.getByRole('link', { name: 'Print a label' }).click();
  await page.getByLabel('Value of text').fill('Hello');
  await page.getByRole('button', { name: 'Call it now' }).click();
  await page
    .getByRole('status')
    .getByText(/Answered 200 after .*no answer of a handler/)
    .waitFor();
  const [call] = receiver.got;
  assert.equal(JSON.parse(call.body).parameters.text, 'Hello');
  assert.match(call.headers['webhook-signature'], /^v1,/);

  await page.getByLabel('Active').click();
  await page.getByRole('button', { name: 'Save' }).click();
  await page
    .getByRole('row', { name: /Print a label/ })
    .getByText('Inactive')
    .waitFor();

  await page.getByRole('link', { name: 'Print a label' }).click();
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('No tree uses it.').waitFor();
  await page.getByRole('button', { name: 'Delete Print a label' }).click();
  await page.getByText('There is no handler of your own yet').waitFor();
  await done();
});

test('an imported handler says that it needs a URL until it has one', async () => {
  const content = `<taskDefinition id="acme_door_open" name="Open a door" version="1">
    <parameters><parameter id="Door" required="true"/></parameters>
    <results><result name="State"/></results></taskDefinition>`;
  const files = [{ path: 'handlers/acme_door_open_v1/process/node.xml', content }];
  const report = await server.api('POST', '/app/api/v2/imports', { files });
  assert.equal(report.imported[0].action, 'created');
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.goto('/console/handlers');
  const row = page.getByRole('row', { name: /Open a door/ });
  await row.getByText('Needs a URL').waitFor();
  await page.getByRole('link', { name: 'Open a door' }).click();
  await page.getByText('It was imported without one.').waitFor();
  assert.equal(await page.getByRole('button', { name: 'Call it now' }).count(), 0);
  await page.getByLabel('URL', { exact: true }).fill(`${receiver.url}/door`);
  await page.getByRole('button', { name: 'Save' }).click();
  await row.getByText('Active').waitFor();
  await page.getByRole('link', { name: 'Open a door' }).click();
  await page.getByRole('button', { name: 'Call it now' }).waitFor();
  await done();
});
