import { Page } from '~/components/Page';

export default function SessionsPage() {
    return <Page title="Sessions">{null}</Page>;
}
