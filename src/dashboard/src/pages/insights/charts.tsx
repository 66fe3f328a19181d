import { Box } from '@mui/material';
import { lazy, Suspense, type ComponentProps } from 'react';

/** Charts come after the figures, which do not wait for the library that draws them; their place is kept. */
const LazySpendChart = lazy(async () => {
    const { SpendChart: chart } = await import('./SpendChart');
    return { default: chart };
});
const LazySunburst = lazy(async () => {
    const { Sunburst: chart } = await import('./Sunburst');
    return { default: chart };
});

export const SPEND_HEIGHT_PX = 180;
export const SUNBURST_PX = 300;

export function SpendChart(props: ComponentProps<typeof LazySpendChart>) {
    return (
        <Box aria-hidden sx={{ height: SPEND_HEIGHT_PX, minWidth: 0 }}>
            <Suspense fallback={null}>
                <LazySpendChart {...props} />
            </Suspense>
        </Box>
    );
}

export function Sunburst(props: ComponentProps<typeof LazySunburst>) {
    return (
        <Box aria-hidden sx={{ height: SUNBURST_PX, maxWidth: '100%', overflow: 'hidden' }}>
            <Suspense fallback={null}>
                <LazySunburst {...props} />
            </Suspense>
        </Box>
    );
}
