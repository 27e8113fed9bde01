// @vitest-environment jsdom
// Elements as inputs a person and a screen reader can use.
import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import type { Element } from '../../api/types';
import { show as draw } from '../../parts/testing';
import { Fields } from './Fields';

afterEach(cleanup);

const elements: Element[] = [
  { type: 'field', name: 'Model', label: 'Which model', renderType: 'text', required: true },
  { type: 'field', name: 'Why', renderType: 'text', rows: 4 },
  { type: 'field', name: 'Size', renderType: 'radio', choices: ['13', '16'] },
  { type: 'field', name: 'Extras', renderType: 'checkbox', choices: ['Dock', 'Bag'] },
  { type: 'field', name: 'Until', renderType: 'date' },
  { type: 'field', name: 'Secret', visible: false },
  { type: 'content', text: '<b>Note</b><script>x</script>' },
];

function show(values = {}, readOnly = false) {
  const change = vi.fn();
  draw(<Fields {...{ elements, values, problems: { Model: 'Say which.' }, readOnly, change }} />);
  return change;
}

it('labels every input and hides what is not visible', () => {
  show();
  expect(screen.getByLabelText(/Which model/).getAttribute('aria-required')).toBe('true');
  expect(screen.getByLabelText('Why').tagName).toBe('TEXTAREA');
  expect(screen.getByLabelText('Until').getAttribute('type')).toBe('date');
  expect(screen.getByRole('radiogroup', { name: 'Size' })).toBeTruthy();
  expect(screen.queryByLabelText('Secret')).toBeNull();
  expect(screen.getByText('Note').tagName).toBe('B');
  expect(document.querySelector('script')).toBeNull();
});

it('tells what is wrong beside the input', () => {
  show();
  expect(screen.getByText('Say which.')).toBeTruthy();
  expect(screen.getByLabelText(/Which model/).getAttribute('aria-invalid')).toBe('true');
});

it('reports values by the name of the field', () => {
  const change = show({ Extras: ['Bag'] });
  fireEvent.change(screen.getByLabelText(/Which model/), { target: { value: 'T14' } });
  expect(change).toHaveBeenCalledWith('Model', 'T14');
  fireEvent.click(screen.getByLabelText('13'));
  expect(change).toHaveBeenCalledWith('Size', '13');
  fireEvent.click(screen.getByLabelText('Dock'));
  expect(change).toHaveBeenCalledWith('Extras', ['Bag', 'Dock']);
});

it('cannot be changed when it is read only', () => {
  show({}, true);
  expect(screen.getByLabelText(/Which model/).hasAttribute('readonly')).toBe(true);
  expect((screen.getByLabelText('13') as HTMLInputElement).disabled).toBe(true);
});
