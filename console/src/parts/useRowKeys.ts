// Lists by keyboard: j and k walk the rows, x selects, / goes to the search box.
import { useHotkeys } from '@mantine/hooks';

const rows = () => [...document.querySelectorAll<HTMLTableRowElement>('main .kp-table tbody tr')];

function step(by: number): void {
  const all = rows();
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = at < 0 ? all.at(by > 0 ? 0 : -1) : all[at + by];
  next?.querySelector<HTMLElement>('a')?.focus();
}

function select(): void {
  const row = rows().find((one) => one.contains(document.activeElement));
  row?.querySelector<HTMLInputElement>('input[type=checkbox]')?.click();
}

const search = () => document.querySelector<HTMLInputElement>('main input[data-search]')?.focus();

export function useRowKeys(): void {
  useHotkeys([
    ['j', () => step(1)],
    ['k', () => step(-1)],
    ['x', select],
    ['/', search],
  ]);
}
