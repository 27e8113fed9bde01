// An approval, from the form to the finished run, by people who are no administrators.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, signIn, startBrowser } from '../lib/browser.mjs';
import { startServer } from '../lib/server.mjs';

const GRACE = { username: 'grace.lin', password: 'grace and her password' };
const NOAH = { username: 'noah.byrne', password: 'noah and his password' };

let server;
let browser;

before(async () => {
  [server, browser] = await Promise.all([startServer(), startBrowser()]);
  for (const { username, password } of [GRACE, NOAH])
    await server.api('PUT', `/app/api/v1/users/${username}`, { password });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What a plain user may not see is answered with 403, which the browser logs. */
const forbidden = (text) => /status of 403/.test(text);

async function askForLaptop(page) {
  await page.getByRole('link', { name: 'Kapps and forms' }).click();
  await page.getByRole('link', { name: 'Laptop request' }).click();
  await page.getByLabel('Requested For').fill('Ines Duarte');
  await page.getByRole('combobox', { name: 'Location' }).click();
  await page.getByRole('option', { name: 'Lisbon' }).click();
  await page.getByLabel('Workstation 16').check();
  await page.getByLabel('Reason').fill('Renders the launch film.');
  await page.getByRole('button', { name: 'Send request' }).click();
  await page.getByText('Your manager has been asked').waitFor();
}

test('an approval goes from the form over its assignee to the end of its run', async () => {
  const noah = await openPage(browser, server, { expected: forbidden });
  await signIn(noah.page, NOAH);
  await askForLaptop(noah.page);

  // Whoever asked does not decide.
  await noah.page.getByRole('link', { name: /^Approvals/ }).click();
  await noah.page.getByText('Nothing waits for you').waitFor();

  // The assignee finds it and decides by keyboard alone.
  const grace = await openPage(browser, server, { expected: forbidden });
  await signIn(grace.page, GRACE);
  await grace.page.getByRole('link', { name: /^Approvals/ }).click();
  const list = grace.page.getByRole('table', { name: 'Open approvals' });
  await list.getByRole('link', { name: new RegExp('Ines Duarte') }).waitFor();
  await grace.page.keyboard.press('j');
  await grace.page.keyboard.press('Enter');
  const decide = grace.page.getByRole('region', { name: 'Decide' });
  await decide
    .getByText(/Ines Duarte/)
    .first()
    .waitFor();
  await grace.page.keyboard.press('a');
  assert.equal(await decide.getByLabel('Approve', { exact: true }).isChecked(), true);
  await decide.getByLabel('Comment').fill('Fine by me.');
  await grace.page.keyboard.press('Control+Enter');
  await grace.page.getByText('Approval submitted').waitFor();
  await list.getByRole('link', { name: new RegExp('Ines Duarte') }).waitFor({ state: 'detached' });

  // It stands among what she decided, with her answer.
  await grace.page.getByText('Decided', { exact: true }).click();
  const decided = grace.page.getByRole('table', { name: 'Decided approvals' });
  await decided.getByRole('row', { name: /Ines Duarte.*by grace\.lin.*Approve/ }).waitFor();
  await grace.done();

  // The run went the approved way and finished.
  const { runs } = await server.api(
    'GET',
    '/app/api/v2/runs?treeFragment=Submitted&groupFragment=laptop',
  );
  const admin = await openPage(browser, server);
  await signIn(admin.page);
  await admin.page.goto(`/console/runs/${runs[0].id}`);
  await admin.page.locator('.kp-head').getByText('Complete', { exact: true }).waitFor();
  const approved = '[data-node-id="system_submission_update_v1_4"][data-state="complete"]';
  await admin.page.locator(approved).waitFor();
  const denied = admin.page.locator('[data-node-id="system_submission_update_v1_5"]');
  assert.notEqual(await denied.getAttribute('data-state'), 'complete');

  // It leads back to the event and the job that started it.
  const origin = admin.page.getByRole('region', {
    name: 'Where it comes from',
  });
  await origin.getByRole('link', { name: 'Event' }).waitFor();
  await origin.getByRole('link', { name: 'Job' }).click();
  await admin.page.getByRole('link', { name: `Open run ${runs[0].id}` }).waitFor();
  await admin.done();

  // Whoever asked sees their request, and nothing of how it is worked on.
  await noah.page.goto(`/console/runs/${runs[0].id}`);
  await noah.page.getByText(`Run ${runs[0].id} could not be loaded`).waitFor();
  await noah.page.goto('/console/errors');
  await noah.page.getByText('Errors could not be loaded').waitFor();
  assert.equal(await noah.page.getByRole('link', { name: 'Runs' }).count(), 0);
  await noah.done();
});

test('an administrator sees what waits for others', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.goto('/console/approvals');
  await page.getByText('Nothing waits for you').waitFor();
  await page.getByText('Everybody’s', { exact: true }).click();
  const list = page.getByRole('table', { name: 'Open approvals' });
  await list
    .getByRole('row', { name: /grace\.lin/ })
    .first()
    .waitFor();
  await done();
});
