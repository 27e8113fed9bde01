// Runs that fail are repaired: one by one in place, and many at once with progress.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, signIn, startBrowser } from '../lib/browser.mjs';
import { startReceiver } from '../lib/receiver.mjs';
import { freePort, startServer } from '../lib/server.mjs';
import { makeTree, node, openErrors, skipDemoError, startRun, then } from '../lib/trees.mjs';

const MANY = 30;

let server;
let browser;
let receiver;
/** Where nobody listens until a test repairs it. */
let port;

before(async () => {
  port = await freePort();
  [server, browser, receiver] = await Promise.all([
    startServer({ KAPOK_ALLOW_CIDRS: '127.0.0.0/8' }),
    startBrowser(),
    startReceiver(),
  ]);
  await skipDemoError(server);
  const url = `http://127.0.0.1:${port}/order`;
  await makeTree(
    server,
    'Order',
    [
      node('start', 'system_start_v1'),
      node(
        'order_1',
        'kapok_http_request_v1',
        { method: 'POST', url, body: '{}' },
        { name: 'Order it' },
      ),
      node('done_2', 'utilities_echo_v1', {
        input: "<%= @results['Order it']['Response Code'] %>",
      }),
    ],
    [
      then('start', 'order_1'),
      then('order_1', 'done_2', "@results['Order it']['Response Code'] == '200'"),
    ],
  );
  await makeTree(
    server,
    'Each',
    [
      node('start', 'system_start_v1'),
      node(
        'system_loop_head_v1_1',
        'system_loop_head_v1',
        {
          data_source: '["ink","paper","pens","glue","tape"]',
          loop_path: '$[*]',
          var_name: 'item',
        },
        { name: 'Each thing' },
      ),
      node(
        'utilities_echo_v1_2',
        'utilities_echo_v1',
        { input: "<%= @results['Each thing']['Value'] %>" },
        { name: 'Reserve' },
      ),
      node(
        'system_loop_tail_v1_3',
        'system_loop_tail_v1',
        { type: 'All' },
        { name: 'All reserved' },
      ),
    ],
    [
      then('start', 'system_loop_head_v1_1'),
      then('system_loop_head_v1_1', 'utilities_echo_v1_2'),
      then('system_loop_head_v1_1', 'system_loop_tail_v1_3'),
      then('utilities_echo_v1_2', 'system_loop_tail_v1_3'),
    ],
  );
});

after(async () => {
  await browser?.close();
  await Promise.all([server?.stop(), receiver?.stop()]);
});

const state = (page, word) => page.locator('.kp-head').getByText(word, { exact: true });

test('a failed node is corrected and tried again in place', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  const run = await startRun(server, 'Order');
  await page.goto(`/console/runs/${run}`);
  await state(page, 'Error').waitFor();
  await page.locator('[data-node-id="order_1"][data-state="error"]').waitFor();

  await page.getByRole('button', { name: 'Edit and retry…' }).click();
  const dialog = page.getByRole('dialog', {
    name: 'Edit “Order it” and retry',
  });
  await dialog.getByLabel('url').fill(`${receiver.url}/corrected`);
  await dialog.getByLabel('Note').fill('The supplier has moved.');
  await dialog.getByRole('button', { name: 'Retry with 1 change' }).click();

  await state(page, 'Complete').waitFor();
  assert.equal(receiver.got.at(-1).path, '/corrected');
  // The picture tells what the condition came to; the node what happened to it.
  await page.getByText('= true').waitFor();
  await page.locator('[data-node-id="order_1"]').click();
  const panel = page.getByRole('region', { name: 'Node Order it' });
  await panel.getByText(`${receiver.url}/corrected`).waitFor();
  await panel.getByText('Edited').waitFor();
  await done();
});

test('the waterfall shows executions in time and iterations folded by index', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  const run = await startRun(server, 'Each');
  await page.goto(`/console/runs/${run}?tab=waterfall`);
  await state(page, 'Complete').waitFor();
  const fall = page.getByRole('region', { name: 'Waterfall' });
  const second = fall.getByRole('button', {
    name: /^Each thing · iteration 2, Complete/,
  });
  await second.waitFor();
  assert.equal(await fall.getByRole('button', { name: /^Reserve/ }).count(), 0);

  // By keyboard: down to the iteration, unfold it, and into what it holds.
  await second.focus();
  await page.keyboard.press('ArrowRight');
  const inside = fall.getByRole('button', { name: /^Reserve, Complete/ });
  await inside.waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  const panel = page.getByRole('region', { name: 'Node Reserve' });
  await panel.getByText('paper').first().waitFor();
  await panel.getByText('/1#1').waitFor();
  await done();
});

test('a run is resumed once its peer is back, and many errors are resolved at once', async () => {
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  const first = await startRun(server, 'Order');
  await page.goto(`/console/runs/${first}`);
  await page.getByRole('button', { name: 'Resume' }).waitFor();
  for (let i = 0; i < MANY; i += 1) await startRun(server, 'Order');
  await openErrors(server, MANY + 1);

  const peer = await startReceiver(port);
  try {
    await page.getByRole('button', { name: 'Resume' }).click();
    await state(page, 'Complete').waitFor();

    // All the others have one cause.
    await page.getByRole('link', { name: /^Errors/ }).click();
    const all = page.getByRole('button', { name: `Resolve all ${MANY}…` });
    await all.waitFor();
    await page.getByRole('link', { name: 'Kinetic Request CE :: Tests :: Order' }).waitFor();
    await all.click();
    const dialog = page.getByRole('dialog', { name: `Resolve ${MANY} errors` });
    await dialog.getByLabel('Retry Task').check();
    await dialog.getByLabel('Note').fill('The supplier is back.');
    await dialog.getByLabel('Errors a second').fill('10');
    await dialog.getByRole('button', { name: `Retry Task: ${MANY} errors` }).click();

    // Its progress, a pause, and the report.
    const work = page.getByRole('region', { name: 'Bulk resolution' });
    await work.getByRole('progressbar').waitFor();
    await work.getByRole('button', { name: 'Pause' }).click();
    await work.getByText('Paused').waitFor();
    await work.getByRole('button', { name: 'Resume' }).click();
    await work.getByText('Complete', { exact: true }).waitFor();
    await work.getByText(`${MANY} of ${MANY} resolved`).waitFor();
    await work.getByText('None of them has failed again.').waitFor();
    await page.getByText('Nothing is broken').waitFor();
    assert.equal(peer.got.length, MANY + 1);

    // The note stays with each of them.
    await page.getByText('Handled', { exact: true }).first().click();
    await page
      .getByText(/Retry Task · by admin · The supplier is back\./)
      .first()
      .waitFor();
    await done();
  } finally {
    await peer.stop();
  }
});

test('a waiting run is answered, and another one is cancelled with what it names', async () => {
  await makeTree(
    server,
    'Ask',
    [
      node('start', 'system_start_v1'),
      node('ask_1', 'utilities_defer_v1', {}, { name: 'Ask', defers: true, deferrable: true }),
      node('echo_2', 'utilities_echo_v1', {
        input: "<%= @results['Ask']['Colour'] %>",
      }),
    ],
    [then('start', 'ask_1'), then('ask_1', 'echo_2')],
  );
  const { page, done } = await openPage(browser, server);
  await signIn(page);
  const run = await startRun(server, 'Ask');
  await page.goto(`/console/runs/${run}`);
  await page.getByText('Waits for an answer').waitFor();
  await page.getByRole('button', { name: 'Answer…' }).click();
  // The result that the tree looks at is there to be filled in.
  await page.getByLabel('Value of Colour').fill('green');
  await page.getByRole('dialog').getByRole('button', { name: 'Answer', exact: true }).click();
  await state(page, 'Complete').waitFor();

  await page.getByRole('button', { name: 'Run again' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Run again' }).click();
  await page.getByText('Waits for an answer').waitFor();
  await page.getByRole('button', { name: 'More actions' }).click();
  await page.getByRole('menuitem', { name: 'Cancel the run…' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('One answer is waited for').waitFor();
  await dialog.getByRole('button', { name: 'Cancel the run' }).click();
  await state(page, 'Cancelled').waitFor();

  // The list counts by state and holds its filters in the address.
  await page.goto('/console/runs?status=Cancelled');
  await page.getByRole('link', { name: String(Number(run) + 1), exact: true }).waitFor();
  await page.getByLabel('Run number').fill(run);
  await page.getByText('No run matches').waitFor();
  await page.getByRole('tab', { name: 'All' }).click();
  await page.getByRole('link', { name: run, exact: true }).waitFor();
  assert.match(page.url(), new RegExp(`number=${run}`));
  await done();
});
