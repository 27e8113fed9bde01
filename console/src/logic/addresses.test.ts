// Addresses of connections in a line.
import { expect, test } from 'vitest';
import { addressOf } from './addresses';

test('an address is a URL without its password', () => {
  expect(addressOf({ baseUrl: 'https://example.com/v1' })).toBe('https://example.com/v1');
  const database = {
    configType: 'postgres' as const,
    host: '2606:2800::1',
    port: 5432,
    username: 'ann',
    database: 'stores',
    poolSize: 5,
  };
  expect(addressOf(database)).toBe('postgres://ann@[2606:2800::1]:5432/stores');
});
