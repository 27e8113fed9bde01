// The mark of Kapok.
export function Logo({ size = 24 }: { size?: number }) {
  return <img src={`${import.meta.env.BASE_URL}kapok.svg`} width={size} height={size} alt="" />;
}
