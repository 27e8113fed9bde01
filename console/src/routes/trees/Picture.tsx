// The picture of a tree: nodes, connectors, and, for a run, what became of each.
import {
  Background,
  BackgroundVariant,
  Controls,
  Handle,
  MarkerType,
  Position,
  ReactFlow,
  type Edge,
  type Node,
  type NodeProps,
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { useComputedColorScheme } from '@mantine/core';
import {
  IconArrowsJoin,
  IconClockPause,
  IconCornerDownRight,
  IconEqual,
  IconFileText,
  IconFlag,
  IconHourglass,
  IconMail,
  IconPlayerPlay,
  IconPuzzle,
  IconRepeat,
  IconWorld,
  type Icon,
} from '@tabler/icons-react';
import { useMemo } from 'react';
import type { NodeState } from '../../api/types';
import { handler, type HandlerKind } from '../../logic/handlers';
import { NODE, place, sides, type Point, type Side } from '../../logic/layout';
import { stateOf } from '../../logic/states';
import { inline } from '../../logic/text';
import { ToneIcon } from '../../parts/Status';
import './picture.css';

export interface PictureNode {
  id: string;
  name: string;
  definitionId: string;
  x?: number | null;
  y?: number | null;
  state?: NodeState;
  problem?: boolean;
  /** Its executions, in a run. */
  tasks?: unknown[];
}

export interface PictureConnector {
  from: string;
  to: string;
  type?: string;
  label?: string | null;
  value?: string | null;
  taken?: boolean | null;
  /** What the condition came to. */
  evaluated?: unknown;
}

interface Props {
  label: string;
  nodes: PictureNode[];
  connectors: PictureConnector[];
  selected?: string;
  select: (id: string | undefined) => void;
}

export function Picture({ label, nodes, connectors, selected, select }: Props) {
  const scheme = useComputedColorScheme('light');
  const points = useMemo(() => place(nodes, connectors), [nodes, connectors]);
  const flowNodes = useMemo(
    () => nodes.map((node) => toNode(node, points.get(node.id)!, node.id === selected)),
    [nodes, points, selected],
  );
  const edges = useMemo(
    () =>
      connectors.flatMap((connector, index) => {
        const from = points.get(connector.from);
        const to = points.get(connector.to);
        return from && to ? [toEdge(connector, index, from, to)] : [];
      }),
    [connectors, points],
  );
  return (
    <div className="kp-picture" role="group" aria-label={label}>
      <ReactFlow
        nodes={flowNodes}
        edges={edges}
        nodeTypes={NODE_TYPES}
        colorMode={scheme}
        fitView
        fitViewOptions={{ padding: 0.16, maxZoom: 1.05 }}
        minZoom={0.2}
        maxZoom={1.8}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        deleteKeyCode={null}
        preventScrolling={false}
        zoomOnScroll={false}
        panOnScroll={false}
        onNodeClick={(_, node) => select(node.id)}
        onPaneClick={() => select(undefined)}
        proOptions={{ hideAttribution: true }}
      >
        <Background variant={BackgroundVariant.Dots} gap={20} size={1} />
        <Controls showInteractive={false} position="bottom-right" />
      </ReactFlow>
    </div>
  );
}

type Data = { node: PictureNode; selected: boolean };
type FlowNode = Node<Data, 'step'>;

function toNode(
  node: PictureNode,
  position: { x: number; y: number },
  selected: boolean,
): FlowNode {
  const word = node.state ? `, ${stateOf(node.state).word}` : '';
  return {
    id: node.id,
    type: 'step',
    position,
    data: { node, selected },
    width: NODE.width,
    height: NODE.height,
    ariaLabel: `${node.name}, ${handler(node.definitionId).label}${word}`,
  };
}

const WHEN: Record<string, string> = { Create: 'as it starts to wait', Update: 'on each update' };

/** The connector's own label, else its condition, cut to what fits between two nodes. */
export function edgeLabel(connector: PictureConnector): string | undefined {
  const { type, label, value, evaluated } = connector;
  const text = label || value || '';
  const when = WHEN[type ?? ''];
  const short = cut(text, 34);
  const named = [when, short].filter(Boolean).join(': ') || undefined;
  const known = Boolean(value) && evaluated !== undefined && evaluated !== null;
  return known ? `${named} = ${cut(inline(evaluated), 16)}` : named;
}

const cut = (text: string, most: number) =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

interface Bend {
  pathOptions?: { borderRadius: number; stepPosition: number };
}

/** A connector that bends does so near its node, clear of the label of a straight neighbour. */
function toEdge(connector: PictureConnector, index: number, from: Point, to: Point): Edge & Bend {
  const side = sides(from, to);
  const bent = Math.abs(from.x - to.x) > 4 && Math.abs(from.y - to.y) > 4;
  const taken = connector.taken;
  const shade = taken ? 'taken' : taken === false ? 'not-taken' : 'open';
  return {
    id: `${index}`,
    source: connector.from,
    target: connector.to,
    sourceHandle: `out-${side.out}`,
    targetHandle: `in-${side.in}`,
    type: 'smoothstep',
    pathOptions: { borderRadius: 8, stepPosition: bent ? 0.28 : 0.5 },
    className: `kp-edge kp-edge-${shade}`,
    label: edgeLabel(connector),
    labelBgPadding: [6, 3],
    labelBgBorderRadius: 4,
    markerEnd: {
      type: MarkerType.ArrowClosed,
      width: 16,
      height: 16,
      color: taken ? 'var(--kp-good)' : 'var(--mantine-color-dimmed)',
    },
  };
}

const ICONS: Record<HandlerKind, Icon> = {
  start: IconPlayerPlay,
  end: IconFlag,
  wait: IconClockPause,
  defer: IconHourglass,
  join: IconArrowsJoin,
  loop: IconRepeat,
  record: IconFileText,
  http: IconWorld,
  mail: IconMail,
  routine: IconCornerDownRight,
  pass: IconEqual,
  other: IconPuzzle,
};

const SIDES: [Side, Position][] = [
  ['top', Position.Top],
  ['right', Position.Right],
  ['bottom', Position.Bottom],
  ['left', Position.Left],
];

function Step({ data: { node, selected } }: NodeProps<FlowNode>) {
  const { label, kind } = handler(node.definitionId);
  const Sign = ICONS[kind];
  const state = node.state ? stateOf(node.state) : undefined;
  const times = node.tasks?.length ?? 0;
  return (
    <div
      className="kp-step"
      data-state={node.state}
      data-selected={selected}
      data-problem={node.problem}
      data-node-id={node.id}
    >
      {SIDES.map(([side, position]) => (
        <Handle key={`in-${side}`} type="target" id={`in-${side}`} position={position} />
      ))}
      {SIDES.map(([side, position]) => (
        <Handle key={`out-${side}`} type="source" id={`out-${side}`} position={position} />
      ))}
      <Sign size={17} stroke={1.6} aria-hidden />
      <div className="kp-step-text">
        <div className="kp-step-name">{node.name}</div>
        <div className="kp-step-sub">
          {node.problem ? 'Has a problem' : label}
          {times > 1 && ` · ${times.toLocaleString('en')} times`}
        </div>
      </div>
      {state && (
        <span className="kp-status" data-tone={state.tone} title={state.word}>
          <ToneIcon tone={state.tone} size={16} />
        </span>
      )}
    </div>
  );
}

const NODE_TYPES = { step: Step };
