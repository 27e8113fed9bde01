// What component tests share: the provider, and the browser parts that a test document lacks.
import { MantineProvider } from '@mantine/core';
import { render } from '@testing-library/react';
import type { ReactNode } from 'react';

window.matchMedia ??= () =>
  ({ matches: false, addEventListener() {}, removeEventListener() {} }) as never;
window.ResizeObserver ??= class {
  observe() {}
  unobserve() {}
  disconnect() {}
};

export const show = (children: ReactNode) =>
  render(<MantineProvider env="test">{children}</MantineProvider>);
