// Starts the console: theme, data, routes.
import '@fontsource-variable/inter';
import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './theme/base.css';
import './theme/frame.css';
import './theme/parts.css';
import './theme/delivery.css';
import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { onSignedOut } from './api/http';
import { queryClient } from './queryClient';
import { router } from './router';
import { cssVariables, theme } from './theme/theme';

onSignedOut(() => {
  const { pathname, href } = router.state.location;
  if (pathname === '/console/sign-in') return;
  queryClient.clear();
  void router.navigate({ to: '/console/sign-in', search: { to: href } });
});

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
      <Notifications position="bottom-right" limit={4} />
      <QueryClientProvider client={queryClient}>
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
