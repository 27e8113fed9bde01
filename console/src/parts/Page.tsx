// A page's head, its panels, and the states every page has: loading, empty, error.
import { Button, Skeleton } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { IconAlertCircle, type Icon } from '@tabler/icons-react';
import { Fragment, type ReactNode } from 'react';
import { ApiError } from '../api/http';
import { words } from './notify';

interface HeadProps {
  title: string;
  /** What stands beside the title: a status, usually. */
  beside?: ReactNode;
  lead?: ReactNode;
  crumbs?: ReactNode[];
  actions?: ReactNode;
}

export function Head({ title, beside, lead, crumbs, actions }: HeadProps) {
  useDocumentTitle(`${title} · Kapok`);
  return (
    <div className="kp-head">
      <div className="kp-head-text">
        {crumbs && (
          <nav className="kp-crumbs" aria-label="Breadcrumb">
            {crumbs.map((crumb, index) => (
              <Fragment key={index}>
                {index > 0 && <span aria-hidden>/</span>}
                {crumb}
              </Fragment>
            ))}
          </nav>
        )}
        <div style={{ display: 'flex', alignItems: 'center', gap: 12, flexWrap: 'wrap' }}>
          <h1 style={{ fontSize: '1.375rem', overflowWrap: 'anywhere' }}>{title}</h1>
          {beside}
        </div>
        {lead && <p>{lead}</p>}
      </div>
      {actions && <div className="kp-actions">{actions}</div>}
    </div>
  );
}

interface PanelProps {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  label?: string;
}

export function Panel({ title, actions, children, flush, label }: PanelProps) {
  return (
    <section className="kp-panel" aria-label={label}>
      {(title || actions) && (
        <header>
          <h2>{title}</h2>
          {actions}
        </header>
      )}
      {flush ? children : <div className="kp-panel-body">{children}</div>}
    </section>
  );
}

interface EmptyProps {
  icon: Icon;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}

export function Empty({ icon: Sign, title, children, action }: EmptyProps) {
  return (
    <div className="kp-empty">
      <Sign size={28} stroke={1.4} aria-hidden />
      <h2 style={{ fontSize: '1rem' }}>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** Why something could not be shown, and what to do about it. */
export function Fault({
  error,
  retry,
  what,
}: {
  error: unknown;
  retry?: () => void;
  what: string;
}) {
  const missing = error instanceof ApiError && error.status === 404;
  return (
    <div className="kp-fault" role="alert">
      <IconAlertCircle size={18} aria-hidden />
      <div style={{ flex: 1, minWidth: 0 }}>
        <strong>{missing ? `${what} was not found` : `${what} could not be loaded`}</strong>
        <pre>{words(error)}</pre>
        {error instanceof ApiError && error.correlationId && (
          <span className="kp-dim kp-mono">Reference {error.correlationId}</span>
        )}
      </div>
      {retry && !missing && (
        <Button variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function Waiting({ rows = 4, height = 18 }: { rows?: number; height?: number }) {
  return (
    <div aria-busy="true" aria-label="Loading" role="status">
      {Array.from({ length: rows }, (_, index) => (
        <Skeleton key={index} height={height} mb={12} width={`${92 - ((index * 17) % 40)}%`} />
      ))}
    </div>
  );
}

const known = (value: ReactNode) => value !== undefined && value !== null && value !== '';

/** Name and value pairs; those without a value are left out. */
export function Facts({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <dl className="kp-facts">
      {rows
        .filter(([, value]) => known(value))
        .map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
    </dl>
  );
}
