// A run as a list: each execution of a node in order, for reading and for screen readers.
import type { RunView, RunViewNode, TaskRecord } from '../../api/types';
import { handler } from '../../logic/handlers';
import { inline } from '../../logic/text';
import { between, duration } from '../../logic/time';
import { Panel } from '../../parts/Page';
import { Rows } from '../../parts/Rows';
import { Status } from '../../parts/Status';
import { When } from '../../parts/When';

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
  select: (id: string) => void;
}

export function Steps({ view, select }: Props) {
  const steps = stepsOf(view);
  return (
    <Panel flush>
      {steps.length === 0 ? (
        <div className="kp-panel-body kp-dim">No node has been executed yet.</div>
      ) : (
        <Rows
          label="Steps"
          rows={steps}
          rowKey={({ task }) => String(task.id)}
          open={({ node }) => select(node.id)}
          columns={[
            {
              title: 'Node',
              width: '34%',
              cell: ({ node }) => (
                <>
                  <button
                    type="button"
                    className="kp-id"
                    style={{ font: 'inherit', cursor: 'pointer', color: 'inherit' }}
                    onClick={() => select(node.id)}
                  >
                    {node.name}
                  </button>
                  <div className="kp-dim" style={{ fontSize: 12.5 }}>
                    {handler(node.definitionId).label}
                  </div>
                </>
              ),
            },
            { title: 'State', width: 112, cell: (step) => <Status of={stateOfStep(step)} /> },
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
    </Panel>
  );
}

const stateOfStep = ({ node, task }: Step): string =>
  (node.tasks?.length ?? 0) > 1 ? task.status : node.state;
