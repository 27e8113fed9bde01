// The frame around every page: skip link, rail, palette, main column.
import { ActionIcon } from '@mantine/core';
import { useDisclosure, useHotkeys } from '@mantine/hooks';
import { IconMenu2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Outlet, useRouterState } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { me } from '../api/session';
import { useLive } from '../live/useLive';
import { PausedBanner } from '../routes/delivery/PauseAll';
import { RestoredBanner } from '../routes/delivery/RestoredBanner';
import { StoppedEngine } from '../routes/runs/StoppedEngine';
import { Palette } from './Palette';
import { Rail } from './Rail';

export function Frame() {
  const live = useLive();
  const [railOpen, rail] = useDisclosure(false);
  const [paletteOpen, palette] = useDisclosure(false);
  useHotkeys([['mod+K', palette.toggle]], []);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const main = useMain(path);
  useEffect(rail.close, [path, rail.close]);
  return (
    <div className="kp-frame">
      <a className="kp-skip" href="#main">
        Skip to the page
      </a>
      <div className="kp-bar">
        <ActionIcon aria-label="Menu" aria-expanded={railOpen} onClick={rail.toggle}>
          <IconMenu2 size={18} />
        </ActionIcon>
        Kapok
      </div>
      <Rail open={railOpen} live={live} search={palette.open} />
      <main id="main" className="kp-main" tabIndex={-1} ref={main}>
        <Announcements />
        <Outlet />
      </main>
      <Palette opened={paletteOpen} close={palette.close} />
    </div>
  );
}

/** What every page should tell an administrator. */
function Announcements() {
  const { data: person } = useQuery(me);
  if (!person?.spaceAdmin) return null;
  return (
    <>
      <RestoredBanner />
      <PausedBanner />
      <StoppedEngine />
    </>
  );
}

/** Moves the focus to the page when its address changes, so that screen readers start there. */
function useMain(path: string) {
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    main.current?.focus({ preventScroll: true });
  }, [path]);
  return main;
}
