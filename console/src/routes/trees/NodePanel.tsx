// What a node was told: its parameters as written, and where it leads.
import { ActionIcon } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import type { TreeConnectorJson, TreeNodeJson } from '../../api/types';
import { handler } from '../../logic/handlers';
import { Panel } from '../../parts/Page';

interface Props {
  node: TreeNodeJson;
  outgoing: TreeConnectorJson[];
  nameOf: (id: string) => string;
  close: () => void;
}

export function NodePanel({ node, outgoing, nameOf, close }: Props) {
  const parameters = (node.parameters ?? []).filter((one) => one.value);
  return (
    <Panel
      title={node.name}
      label={`Node ${node.name}`}
      actions={
        <ActionIcon aria-label="Close the node" onClick={close} size="sm">
          <IconX size={15} />
        </ActionIcon>
      }
    >
      <p className="kp-dim" style={{ margin: '0 0 14px', fontSize: 13 }}>
        {handler(node.definitionId).label} · <span className="kp-mono">{node.definitionId}</span>
        {node.defers ? ' · waits for an answer' : ''}
      </p>
      {parameters.length === 0 && <p className="kp-dim">It takes no parameters.</p>}
      <div className="kp-stack" style={{ gap: 12 }}>
        {parameters.map((one) => (
          <div key={one.id}>
            <div style={{ fontSize: 12.5, fontWeight: 550, marginBottom: 4 }}>
              {one.label || one.id}
            </div>
            <pre className="kp-code">{one.value}</pre>
          </div>
        ))}
      </div>
      {outgoing.length > 0 && (
        <>
          <h3 style={{ margin: '18px 0 8px', fontSize: 12.5 }}>Leads to</h3>
          <ul style={{ margin: 0, paddingLeft: 18, fontSize: 13.5 }}>
            {outgoing.map((one, index) => (
              <li key={index}>
                {nameOf(one.to)}
                {one.value && (
                  <>
                    <span className="kp-dim"> if </span>
                    <code className="kp-tag">{one.value}</code>
                  </>
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}
