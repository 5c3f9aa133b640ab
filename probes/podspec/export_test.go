package podspec

// Rules are the names and the reasons of all rules, for the test that each can fail.
func Rules() map[string]string {
	all := map[string]string{}
	for _, r := range rules() {
		all[r.name] = r.why
	}
	return all
}
