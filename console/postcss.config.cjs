// Mantine's own CSS helpers (light-dark, rem, breakpoints).
module.exports = {
  plugins: { 'postcss-preset-mantine': {} },
};
