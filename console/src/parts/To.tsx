// A link inside the console that looks like the text around it until it is hovered.
import { createLink } from '@tanstack/react-router';
import { forwardRef, type AnchorHTMLAttributes } from 'react';

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  /** Coloured, for links that stand alone. */
  strong?: boolean;
}

const Plain = forwardRef<HTMLAnchorElement, Props>(({ strong, className, ...rest }, ref) => (
  <a
    ref={ref}
    className={['kp-link', strong && 'kp-link-strong', className].filter(Boolean).join(' ')}
    {...rest}
  />
));
Plain.displayName = 'To';

export const To = createLink(Plain);
