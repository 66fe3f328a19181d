import { createTheme } from '@mui/material/styles';

/** System fonts only: nothing is fetched from elsewhere. */
const FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif';

export const theme = createTheme({
    cssVariables: { colorSchemeSelector: 'class' },
    colorSchemes: {
        light: {
            palette: {
                primary: { main: '#1565c0' },
                success: { main: '#2e7d32' },
                warning: { main: '#9a5200' },
                error: { main: '#c62828' },
                background: { default: '#f6f7f9' },
            },
        },
        dark: {
            palette: {
                primary: { main: '#90caf9' },
                success: { main: '#81c784' },
                warning: { main: '#ffb74d' },
                error: { main: '#ef9a9a' },
                background: { default: '#0f1419', paper: '#182029' },
            },
        },
    },
    shape: { borderRadius: 8 },
    typography: {
        fontFamily: FONTS,
        h1: { fontSize: '1.5rem', fontWeight: 600 },
        h2: { fontSize: '1.1rem', fontWeight: 600 },
        button: { textTransform: 'none' },
    },
    components: {
        MuiPaper: { defaultProps: { elevation: 0, variant: 'outlined' } },
        MuiAppBar: { defaultProps: { elevation: 0 } },
        MuiTextField: { defaultProps: { size: 'small' } },
        MuiTable: { defaultProps: { size: 'small' } },
        MuiTableCell: { styleOverrides: { root: { fontVariantNumeric: 'tabular-nums' } } },
    },
});
