// The look of the console: one accent, cool neutrals, colours of state that pass AA on both schemes.
import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

const iris: MantineColorsTuple = [
  '#eff0ff',
  '#dcdefc',
  '#b8bcf5',
  '#929aee',
  '#727ce8',
  '#5e69e5',
  '#4a51d6',
  '#3f45bd',
  '#363ba3',
  '#2b2f87',
];

const gray: MantineColorsTuple = [
  '#f7f8fa',
  '#f0f2f5',
  '#e6e9ee',
  '#d8dde4',
  '#bfc6d0',
  '#9aa4b1',
  '#66707e',
  '#4b5462',
  '#2f3641',
  '#1a1f27',
];

const dark: MantineColorsTuple = [
  '#e4e7ec',
  '#b9c0ca',
  '#98a1ae',
  '#69727f',
  '#3b424d',
  '#2c313a',
  '#21252c',
  '#181b20',
  '#131519',
  '#0e1013',
];

export const theme = createTheme({
  primaryColor: 'iris',
  primaryShade: { light: 6, dark: 5 },
  colors: { iris, gray, dark },
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, monospace",
  defaultRadius: 'md',
  cursorType: 'pointer',
  headings: {
    fontWeight: '620',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1rem', lineHeight: '1.4' },
      h3: { fontSize: '0.875rem', lineHeight: '1.4' },
    },
  },
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  components: {
    Button: { defaultProps: { size: 'xs', radius: 'md' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Tooltip: {
      defaultProps: {
        openDelay: 350,
        withArrow: true,
        events: { hover: true, focus: true, touch: true },
      },
    },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.28, blur: 1 } } },
    Drawer: { defaultProps: { overlayProps: { backgroundOpacity: 0.28, blur: 1 } } },
    Anchor: { defaultProps: { underline: 'hover' } },
  },
});

const good = { light: '#18754a', dark: '#52c78f' };
const bad = { light: '#c4262d', dark: '#ff8f8f' };
const warn = { light: '#8a5300', dark: '#eeb044' };
const busy = { light: '#1b62c4', dark: '#74b3ff' };
const idle = { light: '#5b6573', dark: '#98a1ae' };

function tones(scheme: 'light' | 'dark') {
  return {
    '--kp-good': good[scheme],
    '--kp-bad': bad[scheme],
    '--kp-warn': warn[scheme],
    '--kp-busy': busy[scheme],
    '--kp-idle': idle[scheme],
    '--kp-chart-good': scheme === 'light' ? '#3a9a74' : '#45a881',
    '--kp-chart-bad': scheme === 'light' ? '#d5484e' : '#e5686d',
    '--kp-chart-wait': scheme === 'light' ? '#b87f1d' : '#d19a3a',
  };
}

export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...tones('light'),
    '--mantine-color-dimmed': '#5b6573',
    '--mantine-color-placeholder': '#6f7986',
    '--mantine-color-error': bad.light,
    '--kp-page': '#ffffff',
    '--kp-rail': '#f6f7f9',
    '--kp-panel': '#ffffff',
    '--kp-sunken': '#f6f7f9',
    '--kp-hover': '#f3f4f7',
    '--kp-line': '#e4e7ec',
    '--kp-line-soft': '#eef0f3',
    '--kp-edge': '#9aa4b1',
    '--kp-text-strong': '#14181f',
  },
  dark: {
    ...tones('dark'),
    '--mantine-color-dimmed': '#98a1ae',
    '--mantine-color-placeholder': '#828b98',
    '--mantine-color-error': bad.dark,
    '--mantine-color-anchor': '#a3abf5',
    '--kp-page': '#181b20',
    '--kp-rail': '#131519',
    '--kp-panel': '#1c2026',
    '--kp-sunken': '#131519',
    '--kp-hover': '#21252c',
    '--kp-line': '#2c313a',
    '--kp-line-soft': '#242932',
    '--kp-edge': '#69727f',
    '--kp-text-strong': '#f3f5f8',
  },
});
