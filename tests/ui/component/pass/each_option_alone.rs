mod no_options {
    pub struct Store;

    impl Store {
        #[lifecycle::component]
        async fn close(&self) {}
    }
}

mod empty_parentheses {
    pub struct Store;

    impl Store {
        #[lifecycle::component()]
        async fn close(&self) {}
    }
}

mod comma_at_the_end {
    pub struct Store;

    impl Store {
        #[lifecycle::component(order = 1,)]
        fn close(&self) {}
    }
}

mod order {
    pub struct Store;

    impl Store {
        #[lifecycle::component(order = -2147483648)]
        fn close(&self) {}
    }
}

mod phase_as_a_string {
    pub struct Store;

    impl Store {
        #[lifecycle::component(phase = "stop")]
        fn close(&self) {}
    }
}

mod timeout {
    pub struct Store;

    impl Store {
        #[lifecycle::component(timeout = "1ms")]
        fn close(&self) {}
    }
}

mod timeout_of_ten_years {
    pub struct Store;

    impl Store {
        #[lifecycle::component(timeout = "3650d")]
        fn close(&self) {}
    }
}

mod name {
    pub struct Store;

    impl Store {
        #[lifecycle::component(name = "the store")]
        fn close(&self) {}
    }
}

mod on_hang {
    pub struct Store;

    impl Store {
        #[lifecycle::component(on_hang = true)]
        fn close(&self) {}
    }
}

mod crate_path {
    pub struct Store;

    impl Store {
        #[lifecycle::component(crate = lifecycle)]
        fn close(&self) {}
    }
}

mod raw_identifier {
    pub struct Store;

    impl Store {
        #[lifecycle::component]
        fn r#match(&self) {}
    }
}

mod lifetime_parameter {
    pub struct Store;

    impl Store {
        #[lifecycle::component]
        fn close<'a>(&'a self) {}
    }
}

fn main() {
    lifecycle::manage(no_options::Store);
    lifecycle::manage(empty_parentheses::Store);
    lifecycle::manage(comma_at_the_end::Store);
    lifecycle::manage(order::Store);
    lifecycle::manage(phase_as_a_string::Store);
    lifecycle::manage(timeout::Store);
    lifecycle::manage(timeout_of_ten_years::Store);
    lifecycle::manage(name::Store);
    lifecycle::manage(on_hang::Store);
    lifecycle::manage(crate_path::Store);
    lifecycle::manage(raw_identifier::Store);
    lifecycle::manage(lifetime_parameter::Store);
}
