// Webhooks and their jobs in the browser: create, judge, edit, fail, retry, delete.
import { after, before, test } from 'node:test';
import { openPage, signIn, startBrowser } from '../lib/browser.mjs';
import { startServer } from '../lib/server.mjs';

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const user = (username) =>
  server.api('POST', '/app/api/v1/users', { username, displayName: username, enabled: true });

test('a webhook is created, judged against a recorded event, changed and deleted', async () => {
  await user('filter.test');
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.getByRole('link', { name: 'Webhooks' }).click();
  await page.getByRole('link', { name: 'New webhook' }).click();

  const verdict = page.getByRole('region', { name: 'Verdict' });
  await verdict.getByText('It would fire').waitFor();
  const filter = page.getByLabel('Filter');
  await filter.fill("user('username') === 'somebody.else'");
  await verdict.getByText('It would not fire').waitFor();
  await filter.fill('nobody.knows(');
  await verdict.getByText(/fails|cannot be judged/).waitFor();
  await filter.fill("user('username') === 'filter.test'");
  await verdict.getByText('It would fire').waitFor();

  await page.getByLabel('Name', { exact: true }).fill('Welcome by the book');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.getByRole('link', { name: 'Welcome by the book' }).click();

  await page.getByRole('heading', { name: 'Welcome by the book' }).waitFor();
  await page.getByLabel('Name', { exact: true }).fill('Welcome');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('heading', { name: 'Welcome', exact: true }).waitFor();

  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('button', { name: 'Delete Welcome' }).click();
  await page.getByRole('heading', { name: 'Webhooks', exact: true }).waitFor();
  await page.getByRole('link', { name: 'Welcome', exact: true }).waitFor({ state: 'detached' });
  await done();
});

test('what the server refuses is said beside the form', async () => {
  const { page, done } = await openPage(browser, server, {
    expected: (text) => /status of 400/.test(text),
  });
  await signIn(page);
  await page.goto('/console/webhooks/new');
  await page.getByText('Call a URL').click();
  await page.getByRole('textbox', { name: 'URL' }).fill('http://10.0.0.1/hook');
  await page.getByLabel('Name', { exact: true }).fill('To a private place');
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await page.getByRole('alert').getByText('It was not saved').waitFor();
  await done();
});

test('a job without a tree fails, says why, and can be retried', async () => {
  await server.api('POST', '/app/api/v1/webhooks', {
    name: 'No tree here',
    type: 'User',
    event: 'Created',
    url: '/app/api/v1/run-tree/Kinetic%20Request%20CE/Nowhere/Created',
  });
  await user('retry.test');
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.goto('/console/jobs?tab=failed&webhook=No+tree+here');
  await page.getByRole('link', { name: 'No tree here' }).first().click();
  await page.getByRole('heading', { name: 'No tree here' }).waitFor();
  await page.getByRole('tab', { name: 'Response' }).click();
  await page
    .getByText(/tree does not exist/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Retry' }).click();
  await page.getByText('1 job queued again').waitFor();
  await done();
});
