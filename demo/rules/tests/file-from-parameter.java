package samples;

import java.io.File;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.apache.commons.io.FilenameUtils;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;

class Recordings {

    File byName(@RequestParam("name") String name) {
        // ruleid: java.spring.file-from-parameter
        return new File("/srv/recordings/" + name);
    }

    Path byYear(@RequestParam int month, @PathVariable String year) {
        // ruleid: java.spring.file-from-parameter
        return Paths.get("/srv/recordings", year);
    }

    File byLastPart(@RequestParam String name) {
        String last = FilenameUtils.getName(name);
        // ok: java.spring.file-from-parameter
        return new File("/srv/recordings", last);
    }

    Path index(@RequestParam String order) {
        // ok: java.spring.file-from-parameter
        return Paths.get("/srv/recordings", "index.html");
    }
}
