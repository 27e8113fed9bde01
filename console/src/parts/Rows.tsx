// The table of the console: columns, rows that open, skeletons that keep the layout.
import { Skeleton } from '@mantine/core';
import type { MouseEvent, ReactNode } from 'react';

export interface Column<T> {
  title: ReactNode;
  /** Fixed width in pixels, or a share such as '40%'. */
  width?: number | string;
  align?: 'right';
  /** Cuts long text with an ellipsis; the column takes what is left. */
  clip?: boolean;
  cell: (row: T) => ReactNode;
}

/** Pixels a column needs at least, on average; narrower windows scroll the table sideways. */
const ROOM = 96;

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[] | undefined;
  rowKey: (row: T) => string;
  /** Opens a row by mouse; the keyboard uses the link in the row. */
  open?: (row: T) => void;
  loadingRows?: number;
}

export function Rows<T>({ label, columns, rows, rowKey, open, loadingRows = 8 }: Props<T>) {
  return (
    <div className="kp-table-wrap">
      <table
        className="kp-table"
        style={{ minWidth: columns.length * ROOM }}
        aria-label={label}
        aria-busy={rows === undefined}
      >
        <thead>
          <tr>
            {columns.map((column, index) => (
              <th
                key={index}
                scope="col"
                className={column.align === 'right' ? 'kp-num' : undefined}
                style={{ width: column.width }}
              >
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows === undefined
            ? Array.from({ length: loadingRows }, (_, index) => (
                <SkeletonRow key={index} columns={columns} index={index} />
              ))
            : rows.map((row) => (
                <tr
                  key={rowKey(row)}
                  data-open={open !== undefined}
                  onClick={open && ((event) => clicked(event) && open(row))}
                >
                  {columns.map((column, index) => (
                    <td key={index} className={cellClass(column)}>
                      {column.cell(row)}
                    </td>
                  ))}
                </tr>
              ))}
        </tbody>
      </table>
    </div>
  );
}

function cellClass<T>(column: Column<T>): string {
  return [column.align === 'right' && 'kp-num', column.clip && 'kp-cell-clip']
    .filter(Boolean)
    .join(' ');
}

/** A click on the row itself: not on something in it, not the end of a text selection. */
function clicked(event: MouseEvent): boolean {
  const inside = (event.target as HTMLElement).closest('a, button, input, label');
  return !inside && !window.getSelection()?.toString();
}

function SkeletonRow<T>({ columns, index }: { columns: Column<T>[]; index: number }) {
  return (
    <tr aria-hidden>
      {columns.map((column, place) => (
        <td key={place} className={cellClass(column)}>
          <Skeleton
            height={11}
            width={column.align ? 28 : `${45 + (((index + place) * 13) % 40)}%`}
          />
        </td>
      ))}
    </tr>
  );
}
