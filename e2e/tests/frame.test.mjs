// The frame: signing in by keyboard, coming back, finding things, themes, pictures of trees.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, signIn, startBrowser, unauthorised } from '../lib/browser.mjs';
import { ADMIN, startServer } from '../lib/server.mjs';

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

test('somebody signs in by keyboard alone and lands where they were going', async () => {
  const { page, done } = await openPage(browser, server, { expected: unauthorised });
  await page.goto('/console/users?q=grace');
  await page.waitForURL(/sign-in/);
  await page.getByLabel('Username').waitFor();
  await page.keyboard.type(ADMIN.username);
  await page.keyboard.press('Tab');
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  await page
    .getByRole('alert')
    .getByText(/do not match/)
    .waitFor();
  await page.getByLabel('Password', { exact: true }).fill('');
  await page.getByLabel('Password', { exact: true }).focus();
  await page.keyboard.type(ADMIN.password);
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/console\/users\?q=grace/);
  await page.getByRole('heading', { name: 'Users' }).waitFor();
  await done();
});

test('a link to elsewhere is not followed after signing in', async () => {
  const { page, done } = await openPage(browser, server, { expected: unauthorised });
  await page.goto('/console/sign-in?to=https%3A%2F%2Fexample.com');
  await page.getByLabel('Username').fill(ADMIN.username);
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  assert.equal(new URL(page.url()).origin, server.url);
  await done();
});

test('Ctrl K finds a form by part of its name, and the first Tab skips to the page', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.reload();
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the page');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Find anything' }).waitFor();
  await page.keyboard.type('lapt');
  await page.getByRole('option', { name: /Laptop request/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Laptop request' }).waitFor();
  await done();
});

test('the rail and Ctrl K lead to every page of the workflows, in one order', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  const pages = ['Trees', 'Runs', 'Errors', 'Approvals', 'Handlers', 'Connections'];
  const rail = page.getByRole('navigation', { name: 'Main' });
  const named = await rail
    .getByRole('link')
    .evaluateAll((links) => links.map((link) => link.childNodes[1].textContent));
  const first = named.indexOf('Trees');
  assert.deepEqual(named.slice(first, first + pages.length), pages);
  for (const name of [...pages, 'Notices', 'Retention']) {
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', { name: 'Find anything' }).fill(`${name} page`);
    await page
      .getByRole('option', { name: new RegExp(name) })
      .first()
      .waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('combobox', { name: 'Find anything' }).waitFor({ state: 'detached' });
    if (pages.includes(name)) await page.getByRole('heading', { name, exact: true }).waitFor();
    else await page.getByRole('tab', { name, selected: true }).waitFor();
  }
  await done();
});

test('the theme follows the system until somebody chooses', async () => {
  const { page, done } = await openPage(browser, server, { colorScheme: 'dark' });
  await signIn(page);
  const scheme = () => page.getAttribute('html', 'data-mantine-color-scheme');
  assert.equal(await scheme(), 'dark');
  await page.getByRole('button', { name: /^Theme/ }).click();
  assert.equal(await scheme(), 'light');
  await page.reload();
  await page.getByRole('heading', { name: 'Home' }).waitFor();
  assert.equal(await scheme(), 'light');
  await done();
});

test('a tree shows its picture and what each node was told', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  await page.getByRole('link', { name: 'Trees' }).click();
  await page
    .getByRole('row', { name: /Submissions > services > laptop/ })
    .getByRole('link', { name: 'Submitted' })
    .click();
  await page.locator('[data-node-id="system_submission_create_v1_2"]').click();
  await page
    .getByRole('region', { name: 'Node Ask for approval' })
    .getByText('approval', { exact: true })
    .waitFor();
  assert.match(page.url(), /node=system_submission_create_v1_2/);
  await done();
});

test('every page opens without an error, in a narrow window too', async () => {
  const { page, done } = await openPage(browser, server, { viewport: { width: 640, height: 800 } });
  await signIn(page);
  const pages = {
    '/console/activity': 'Activity',
    '/console/webhooks': 'Webhooks',
    '/console/webhooks/new': 'New webhook',
    '/console/jobs': 'Jobs',
    '/console/lanes': 'Lanes',
    '/console/settings': 'Settings',
    '/console/recoveries': 'Recovery',
    '/console/recoveries/new': 'New recovery',
    '/console/inspectors': 'Inspectors',
    '/console/settings?tab=notices': 'Settings',
    '/console/settings?tab=keys': 'Settings',
    '/console/settings?tab=retention': 'Settings',
    '/console/trees': 'Trees',
    '/console/runs': 'Runs',
    '/console/errors': 'Errors',
    '/console/approvals': 'Approvals',
    '/console/handlers': 'Handlers',
    '/console/connections': 'Connections',
    '/console/kapps': 'Kapps and forms',
    '/console/datastore': 'Datastore',
    '/console/users': 'Users',
    '/console/teams': 'Teams',
  };
  for (const [address, title] of Object.entries(pages)) {
    await page.goto(address);
    await page.getByRole('heading', { name: title, exact: true }).waitFor();
    await page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${address} is ${wide} px wider than the window`);
  }
  await done();
});
