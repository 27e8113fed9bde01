// @vitest-environment jsdom
// Inputs that settle, parse and name what they hold.
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { Diff } from './Diff';
import { SearchBox } from './SearchBox';
import { SpanInput } from './SpanInput';
import { show } from './testing';

afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

const box = (value: string | undefined, change: (text: string | undefined) => void) => (
  <SearchBox label="Search" placeholder="" value={value} change={change} />
);

it('asks once, after somebody stopped typing', () => {
  vi.useFakeTimers();
  const change = vi.fn();
  show(box(undefined, change));
  for (const text of ['a', 'ab', 'abc '])
    fireEvent.change(screen.getByLabelText('Search'), { target: { value: text } });
  expect(change).not.toHaveBeenCalled();
  vi.advanceTimersByTime(400);
  expect(change.mock.calls).toEqual([['abc']]);
});

it('empties at once with Escape', () => {
  const change = vi.fn();
  show(box('abc', change));
  fireEvent.keyDown(screen.getByLabelText('Search'), { key: 'Escape' });
  expect(change.mock.calls).toEqual([[undefined]]);
  expect((screen.getByLabelText('Search') as HTMLInputElement).value).toBe('');
});

it('takes a span as people write it and says what is none', () => {
  const change = vi.fn();
  show(<SpanInput label="Wait" value={5000} change={change} />);
  const input = screen.getByLabelText('Wait') as HTMLInputElement;
  expect(input.value).toBe('5 s');
  fireEvent.change(input, { target: { value: '2 min' } });
  expect(change).toHaveBeenLastCalledWith(120_000);
  fireEvent.change(input, { target: { value: '2 moons' } });
  expect(change).toHaveBeenCalledTimes(1);
  expect(screen.getByText(/Write it like/)).toBeTruthy();
});

it('says which lines went and came, in words as well as colour', () => {
  show(<Diff label="Outcome" before={'a\nb'} after={'a\nc'} />);
  const changes = screen.getByRole('region', { name: 'Changes of Outcome' });
  expect(changes.textContent).toContain('−b');
  expect(screen.getByLabelText('added').textContent).toBe('+');
});
