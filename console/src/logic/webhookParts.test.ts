// The folded parts of a webhook.
import { expect, it } from 'vitest';
import { compact, deliveryHint, isSet, requestHint, typed } from './webhookParts';

it('says what differs from the space in a few words', () => {
  expect(deliveryHint({})).toBe('as the space delivers');
  expect(deliveryHint({ attempts: 3, classes: {}, orderBy: "${submission('id')}" })).toBe(
    '1 setting of its own · in order',
  );
  expect(deliveryHint({ delayMs: 300_000, ttlMs: 86_400_000 })).toBe(
    'delayed by 5 min · worthless after 1 d',
  );
});

it('says what a request carries', () => {
  expect(requestHint({})).toBe('signed JSON, nothing added');
  expect(
    requestHint({
      headers: [{ name: 'X-Tenant', value: 'a' }],
      auth: { type: 'bearer', token: { set: true } },
      template: '1',
    }),
  ).toBe('1 header · bearer token · template');
});

it('never shows a secret that the server holds', () => {
  expect(isSet({ set: true })).toBe(true);
  expect(typed({ set: true })).toBe('');
  expect(typed('hunter2')).toBe('hunter2');
});

it('leaves out what is empty', () => {
  expect(compact({ a: '', b: undefined, c: {}, d: 0, e: false })).toEqual({ d: 0, e: false });
});
