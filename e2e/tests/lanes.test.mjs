// Lanes in the browser: a broken endpoint is held and let through; everything is paused and resumed.
import assert from 'node:assert/strict';
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

/** One attempt a job, and a breaker that opens at the second failure. */
async function strict() {
  const { delivery } = await door.server.api('GET', '/app/api/v1/delivery');
  const policy = {
    ...delivery.policy,
    attempts: 1,
    breaker: { failures: 2, openMs: 60_000, maxOpenMs: 60_000 },
  };
  await door.server.api('PUT', '/app/api/v1/delivery', { policy });
}

test('a broken endpoint is held, which its lane and its job say, and let through', async () => {
  await strict();
  door.receiver.answer(503);
  for (const name of ['door.one', 'door.two']) await door.user(name);
  await door.jobs('Failed', 2);
  await door.user('door.three');
  const [held] = await door.jobs('Queued', 1);

  const { page, done } = await openPage(browser, door.server);
  await signIn(page);

  // Home and the lanes say who is held, and why.
  await page.getByRole('heading', { name: 'Endpoints that hold jobs back' }).waitFor();
  await page.getByRole('link', { name: 'All lanes' }).click();
  const lane = page.getByRole('row', { name: /Tell the door/ });
  await lane.getByText('Held', { exact: true }).waitFor();

  // The job that waits says so on its timeline.
  await page.goto(`/console/jobs/${held.id}`);
  const timeline = page.getByRole('list', { name: 'Timeline' });
  await timeline.getByText('Held', { exact: true }).waitFor();

  // Somebody repairs the receiver and lets the lane through.
  door.receiver.answer(200);
  await page.goto('/console/lanes');
  await lane.getByRole('button', { name: /^Actions for/ }).click();
  await page.getByRole('menuitem', { name: 'Let it flow now' }).click();
  await page.getByText('The lane flows again').waitFor();
  await door.jobs('Complete', 1);
  await done();
});

test('everything is paused, which every page says, and resumed', async () => {
  const { page, done } = await openPage(browser, door.server);
  await signIn(page);
  await page.goto('/console/lanes');
  await page.getByRole('button', { name: 'Pause all' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Pause all' }).click();
  await page.goto('/console/users');
  await page.getByText(/All deliveries are paused/).waitFor();
  const before = door.receiver.got.length;
  await door.user('door.paused');
  await door.jobs('Queued', 1);
  assert.equal(door.receiver.got.length, before);
  await page.getByRole('button', { name: 'Resume all' }).click();
  await page.getByText(/All deliveries are paused/).waitFor({ state: 'detached' });
  for (let tries = 0; door.receiver.got.length === before && tries < 100; tries += 1)
    await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(door.receiver.got.length, before + 1);
  await done();
});
