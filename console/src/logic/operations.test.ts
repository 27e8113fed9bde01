// Operations as people type them.
import { expect, test } from 'vitest';
import type { Operation } from '../api/connections';
import {
  draftOf,
  fieldsOf,
  formatOutputs,
  NEW,
  NEW_STATEMENT,
  parseHeaderPairs,
  parseOutputs,
  parsePairs,
  signOf,
} from './operations';

test('pairs are lines with a colon', () => {
  expect(parsePairs('q: a:b\n\nempty:\nbare')).toEqual({ q: 'a:b', empty: '', bare: '' });
  expect(parseHeaderPairs('A: 1\nB: 2\nA: 3')).toEqual({ A: ['1', '3'], B: '2' });
});

test('outputs are lines, and children are indented', () => {
  const text =
    'Id = body.id ?? null\nItems = body.items\n  N = current.n\n  Same = a == b\nCode = statusCode';
  const outputs = parseOutputs(text);
  expect(outputs).toEqual({
    Id: { value: 'body.id ?? null' },
    Items: { value: 'body.items', children: { N: 'current.n', Same: 'a == b' } },
    Code: { value: 'statusCode' },
  });
  expect(formatOutputs(outputs)).toBe(text);
});

test('what was read and not touched is sent back as it was', () => {
  const operation = {
    name: 'Create',
    config: {
      method: 'POST',
      path: '/items/{{Id}}',
      params: { q: '{{Q}}' },
      headers: { 'X-Two': ['a', 'b'], 'X-One': 'c' },
      body: { bodyType: 'raw', raw: { a: ['{{A}}'] } },
      includeEmptyParams: true,
    },
    outputs: { Items: { value: 'body.items', children: { N: 'current.n' } } },
  } as unknown as Operation;
  expect(fieldsOf(draftOf(operation), operation)).toEqual({
    name: operation.name,
    config: operation.config,
    outputs: operation.outputs,
  });
  const text = { ...draftOf(operation), body: '{"a":"{{A}}"}' };
  expect(fieldsOf(text, operation).config).toMatchObject({
    body: { bodyType: 'raw', raw: '{"a":"{{A}}"}' },
  });
});

test('a statement has a parameter on each line', () => {
  const config = {
    configType: 'postgres' as const,
    statement: '  SELECT 1\nFROM a WHERE b = $1',
    parameters: ['{{B}}', 'two\nlines'],
  };
  const operation = { name: 'Read', config, outputs: {} } as unknown as Operation;
  expect(fieldsOf(draftOf(operation), operation).config).toEqual(config);
  const draft = { ...NEW_STATEMENT, statement: 'SELECT $1', parameters: '{{A}}\n\n{{B}}\n' };
  expect(fieldsOf(draft).config).toMatchObject({ parameters: ['{{A}}', '', '{{B}}'] });
  expect(fieldsOf(NEW_STATEMENT).config).toMatchObject({ parameters: [] });
  expect(signOf(config)).toEqual(['SQL', 'SELECT 1']);
});

test('parts of a body must be JSON', () => {
  const draft = { ...draftOfNothing(), bodyKind: 'multipart_form' as const, body: '[' };
  expect(() => fieldsOf(draft)).toThrow();
  expect(fieldsOf({ ...draft, body: '' }).config).toMatchObject({
    body: { bodyType: 'multipart_form', parts: [] },
  });
});

const draftOfNothing = () => ({ ...NEW, name: 'x', outputs: '' });
