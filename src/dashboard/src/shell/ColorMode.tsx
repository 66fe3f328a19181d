import DarkMode from '@mui/icons-material/DarkMode';
import LightMode from '@mui/icons-material/LightMode';
import { IconButton, Tooltip, useColorScheme } from '@mui/material';

/** Light or dark: that of the system until somebody chooses, then what they chose in this browser. */
export function ColorMode() {
    const { mode, systemMode, setMode } = useColorScheme();
    const isDark = (mode === 'system' ? systemMode : mode) === 'dark';
    const title = isDark ? 'Use light colours' : 'Use dark colours';
    return (
        <Tooltip title={title}>
            <IconButton
                aria-label={title}
                onClick={() => {
                    setMode(isDark ? 'light' : 'dark');
                }}
            >
                {isDark ? <LightMode /> : <DarkMode />}
            </IconButton>
        </Tooltip>
    );
}
