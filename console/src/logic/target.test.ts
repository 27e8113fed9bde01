// Webhook URLs read as trees or hosts, and conventional addresses.
import { describe, expect, it } from 'vitest';
import { conventional, readable, target, treePath, treeUrl } from './target';

const SOURCE = "${space('attribute:Task Source Name')}";

describe('treePath', () => {
  it('decodes literal parts and keeps expressions', () => {
    const url = `/app/api/v1/run-tree/${SOURCE}/Submissions%20%3E%20\${kapp('slug')}/Submitted`;
    expect(treePath(url)).toEqual({
      source: SOURCE,
      group: "Submissions > ${kapp('slug')}",
      name: 'Submitted',
    });
  });

  it('reads trees of another host and escaped slashes', () => {
    const url = 'https://task.example.com/kinetic-task/app/api/v1/run-tree/S/A%2FB/N?x=1';
    expect(treePath(url)).toEqual({ source: 'S', group: 'A/B', name: 'N' });
  });

  it('is undefined for anything else', () => {
    expect(treePath('https://example.com/hook')).toBeUndefined();
    expect(treePath('/app/api/v1/run-tree/only/two')).toBeUndefined();
  });

  it('survives a stray percent sign', () => {
    expect(treePath('/app/api/v1/run-tree/S/100%/N')?.group).toBe('100%');
  });
});

it('says expressions in words', () => {
  expect(readable("Submissions > ${kapp('slug')}")).toBe('Submissions > [kapp slug]');
  expect(readable(SOURCE)).toBe('[Task Source Name]');
  expect(readable('${1 + 1}')).toBe('[…]');
});

describe('target', () => {
  it('names trees by title and other servers by host', () => {
    expect(target('/app/api/v1/run-tree/S/Users/Created').title).toBe('S :: Users :: Created');
    expect(target('https://hooks.example.com/a?b=c')).toMatchObject({
      kind: 'url',
      title: 'hooks.example.com',
    });
    expect(target('/app/api/v2/runs?guid=2e0f049e-1')).toMatchObject({ kind: 'guid' });
  });
});

describe('conventional', () => {
  it.each([
    ['User', 'Created', `/app/api/v1/run-tree/${SOURCE}/Users/Created`],
    [
      'Datastore Submission',
      'Submitted',
      `/app/api/v1/run-tree/${SOURCE}/Datastore%20Submissions%20%3E%20\${form('slug')}/Submitted`,
    ],
    [
      'Submission',
      'Submitted',
      `/app/api/v1/run-tree/${SOURCE}/Submissions%20%3E%20\${kapp('slug')}%20%3E%20\${form('slug')}/Submitted`,
    ],
  ])('%s %s', (type, event, url) => {
    expect(treeUrl(conventional(type, event))).toBe(url);
    expect(treePath(url)).toEqual(conventional(type, event));
  });
});
