// A run as a list: each execution of a node in order, for reading and for screen readers.
import { useState } from 'react';
import type { RunView, RunViewNode, TaskRecord } from '../../api/types';
import { handler } from '../../logic/handlers';
import { inline } from '../../logic/text';
import { between, duration } from '../../logic/time';
import { loopLabel, loopParts, taskState } from '../../logic/waterfall';
import { Panel } from '../../parts/Page';
import { Rows } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { When } from '../../parts/When';

/** Steps drawn at once; a loop may have thousands. */
const STEPS_SHOWN = 200;

interface Step {
  node: RunViewNode;
  task: TaskRecord;
}

const began = ({ task }: Step): string => task.startedAt ?? task.createdAt ?? '';

/** The executions of a run, in the order they began. */
export const stepsOf = (view: RunView | undefined): Step[] =>
  (view?.nodes ?? [])
    .flatMap((node) => (node.tasks ?? []).map((task) => ({ node, task })))
    .sort((a, b) => began(a).localeCompare(began(b)) || Number(a.task.id) - Number(b.task.id));

interface Props {
  view: RunView | undefined;
  select: (id: string, task?: string) => void;
}

export function Steps({ view, select }: Props) {
  const steps = stepsOf(view);
  const [limit, setLimit] = useState(STEPS_SHOWN);
  return (
    <Panel flush>
      {steps.length === 0 ? (
        <div className="kp-panel-body kp-dim">No node has been executed yet.</div>
      ) : (
        <Rows
          label="Steps"
          rows={steps.slice(0, limit)}
          rowKey={({ task }) => String(task.id)}
          open={({ node, task }) => select(node.id, String(task.id))}
          columns={[
            {
              title: 'Node',
              width: '34%',
              cell: ({ node, task }) => (
                <>
                  <button
                    type="button"
                    className="kp-id"
                    style={{ font: 'inherit', cursor: 'pointer', color: 'inherit' }}
                    onClick={() => select(node.id, String(task.id))}
                  >
                    {node.name}
                  </button>
                  <div className="kp-dim" style={{ fontSize: 12.5 }}>
                    {handler(node.definitionId).label}
                    {loopParts(task.loopIndex).map((part) => ` · ${loopLabel(view!, part)}`)}
                  </div>
                </>
              ),
            },
            {
              title: 'State',
              width: 112,
              cell: ({ node, task }) => <Status of={taskState(view!, node, task)} />,
            },
            {
              title: 'Results',
              clip: true,
              cell: ({ task }) =>
                inline({ ...task.results, ...task.deferredResults }).replace(/^\{\}$/, ''),
            },
            {
              title: 'Took',
              width: 76,
              align: 'right',
              cell: ({ task }) =>
                duration(
                  task.duration ?? between(task.startedAt ?? task.createdAt, task.finishedAt),
                ),
            },
            { title: 'Started', width: 100, cell: (step) => <When at={began(step)} /> },
          ]}
        />
      )}
      {steps.length > limit && (
        <button
          type="button"
          className="kp-fall-more"
          onClick={() => setLimit(limit + STEPS_SHOWN)}
        >
          Show more of {steps.length.toLocaleString('en')} steps
        </button>
      )}
    </Panel>
  );
}
