// A button that leads to a page of the console.
import { Button as Mantine, type ButtonProps } from '@mantine/core';
import { createLink } from '@tanstack/react-router';
import { forwardRef } from 'react';

const Anchor = forwardRef<HTMLAnchorElement, Omit<ButtonProps, 'ref'>>((props, ref) => (
  <Mantine component="a" ref={ref} {...props} />
));
Anchor.displayName = 'LinkButton';

export const LinkButton = createLink(Anchor);
