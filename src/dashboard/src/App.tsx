import { Box } from '@mui/material';
import { createHashRouter, Navigate, RouterProvider } from 'react-router';

import { Failed, Loading } from '~/components/States';
import { LoginPage } from '~/pages/login/LoginPage';
import { ROUTES, type PageRoute } from '~/routes';
import { useMay, useSession } from '~/session/session';
import { Shell } from '~/shell/Shell';

/** A page, unless whoever is logged in may not see it: then home is shown. */
function Guarded({ route }: { route: PageRoute }) {
    const may = useMay(route.role ?? 'viewer');
    const PageComponent = route.page;
    return may ? <PageComponent /> : <Navigate to="/" replace />;
}

const router = createHashRouter([
    {
        element: <Shell />,
        children: [
            ...ROUTES.map((route) => ({ path: route.path, element: <Guarded route={route} /> })),
            { path: '*', element: <Navigate to="/" replace /> },
        ],
    },
]);

/** The log-in page or the pages. The address is left alone, so that nobody loses their place. */
export function App() {
    const { state, look } = useSession();
    switch (state.kind) {
        case 'unknown':
            return (
                <Box component="main">
                    <Loading height={480} />
                </Box>
            );
        case 'unreachable':
            return (
                <Box component="main" sx={{ p: 3 }}>
                    <Failed error={new Error(state.message)} onRetry={() => void look()} />
                </Box>
            );
        case 'out':
            return <LoginPage />;
        case 'in':
            return <RouterProvider router={router} />;
    }
}
