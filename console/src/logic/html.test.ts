// @vitest-environment jsdom
// Content of forms is shown, never run.
import { expect, it } from 'vitest';
import { inert } from './html';

it.each([
  ['<p class="x" style="position:fixed">Hi <b>you</b></p>', '<p>Hi <b>you</b></p>'],
  ['<script>alert(1)</script><p onclick="alert(1)">a</p>', '<p>a</p>'],
  ['<img src=x onerror=alert(1)>after', 'after'],
  ['<a href="javascript:alert(1)">x</a>', '<a>x</a>'],
  ['<a href=" java\nscript:alert(1)">x</a>', '<a>x</a>'],
  ['<a href="//evil.example">x</a>', '<a>x</a>'],
  ['<svg><script>alert(1)</script></svg><iframe src="x"></iframe>ok', 'ok'],
  ['<custom><em>kept</em></custom>', '<em>kept</em>'],
  ['1 &lt; 2', '1 &lt; 2'],
])('%s', (html, expected) => expect(inert(html)).toBe(expected));

it('keeps links that lead to pages, and opens them safely', () => {
  expect(inert('<a href="https://example.com">x</a>')).toBe(
    '<a href="https://example.com" rel="noopener noreferrer nofollow" target="_blank">x</a>',
  );
});
