// Delivery in the browser: an endpoint breaks, is repaired, and what failed is found and recovered.
import { after, before, test } from 'node:test';
import { openPage, signIn, startBrowser } from '../lib/browser.mjs';
import { startDoor } from '../lib/door.mjs';

let door;
let browser;

before(async () => {
  [door, browser] = await Promise.all([startDoor(), startBrowser()]);
});

after(async () => {
  await Promise.all([browser?.close(), door?.stop()]);
});

test('what a broken endpoint refused is recovered once it is repaired', async () => {
  door.receiver.answer(404);
  for (const name of ['door.one', 'door.two']) await door.user(name);
  await door.jobs('Failed', 2);
  door.receiver.answer(200);
  const { page, done } = await openPage(browser, door.server);
  await signIn(page);

  // What failed meanwhile is found and sent again.
  await page.goto('/console/jobs?tab=failed&webhook=Tell+the+door');
  await page.getByRole('link', { name: 'Recover these…' }).click();
  await page.getByRole('heading', { name: 'New recovery' }).waitFor();
  await page.getByRole('button', { name: 'Send 2 jobs again' }).click();
  const head = page.locator('.kp-head');
  await head.getByText('Complete', { exact: true }).waitFor();
  await head.getByText('2 of 2 jobs sent again').waitFor();
  const [again] = await door.jobs('Complete', 2);

  // The job tells its whole story, and what was different the time it worked.
  await page.goto(`/console/jobs/${again.id}`);
  await page.getByRole('link', { name: 'The recovery it was part of' }).waitFor();
  await page.getByRole('tab', { name: 'Compare' }).click();
  const outcome = page.getByRole('region', { name: 'Changes of Outcome' });
  await outcome.getByText('answer: 404').waitFor();
  await outcome.getByText('answer: 200').waitFor();
  await done();
});

test('jobs are found by what was sent, and the search is in the address', async () => {
  door.receiver.answer(200);
  await door.user('door.needle');
  await door.jobs('Complete', 1);
  const { page, done } = await openPage(browser, door.server);
  await signIn(page);
  await page.goto('/console/jobs');
  await page.getByRole('table', { name: 'Webhook jobs' }).waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('door.needle');
  await page.waitForURL(/text=door\.needle/);
  const rows = page.getByRole('table', { name: 'Webhook jobs' }).locator('tbody tr');
  await rows.filter({ hasText: 'Tell the door' }).waitFor();
  await rows.filter({ hasText: 'Submission' }).first().waitFor({ state: 'detached' });

  // The rarer filters become chips that can be taken away.
  await page.getByRole('button', { name: 'More filters' }).click();
  await page.getByLabel('Endpoint').fill('https://elsewhere.example');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('No job matches').waitFor();
  await page.getByRole('button', { name: /^Remove: Endpoint/ }).click();
  await rows.filter({ hasText: 'Tell the door' }).waitFor();

  // A view that is kept comes back with one click.
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'Save this view…' }).click();
  await page.getByLabel('Name of the view').fill('The needle');
  await page.keyboard.press('Enter');
  await page.goto('/console/jobs');
  await page.getByRole('button', { name: 'Views' }).click();
  await page.getByRole('menuitem', { name: 'The needle' }).click();
  await page.waitForURL(/text=door\.needle/);

  // By keyboard: to the row, select it, open it.
  await rows.filter({ hasText: 'Tell the door' }).waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByRole('region', { name: 'Selection' }).getByText('1 job selected').waitFor();
  await page.keyboard.press('j');
  await page.getByRole('link', { name: 'Tell the door' }).press('Enter');
  await page.getByRole('heading', { name: 'Tell the door' }).waitFor();
  await done();
});
